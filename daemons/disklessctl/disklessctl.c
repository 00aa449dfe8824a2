/* SPDX-License-Identifier: ISC */
/*
 * disklessctl: the operator's tool. Runs as its caller. Asks the broker by the control socket; as root it also writes client files, makes roots
 * and imports images. Must never reach the parent or a network process, nor be needed by any of them.
 */
#include "disklessctl.h"

#include <stdio.h>
#include <string.h>

#include "image.h"
#include "image_check.h"
#include "log.h"

static const struct command {
	const char *noun;
	const char *verb; /* NULL: the noun says it all */
	command_run *run;
	const char *arguments;
	const char *what;
} commands[] = {
	{ "audit", NULL, ctl_audit, "",
	    "does what makes the walls still stand? (exit status 0: yes, 1: no, 2: not known)" },
	{ "boot", "list", boot_list, "[NAME] [--follow]", "how far boards came, and what to look at" },
	{ "client", "add", client_add,
	    "NAME ... --mac MAC,... --address ADDRESS --image IMAGE --quota SIZE\n"
	    "                   [--serial SERIAL,...] [--network NETWORK] [--cmdline WORDS] | --from FILE ...",
	    "make a root and a client file for each, and reload" },
	{ "client", "list", client_list, "[NAME ...]", "all clients and their roots" },
	{ "client", "prepare", client_prepare, "[NAME ...]",
	    "make the roots that configured clients lack, and reload" },
	{ "client", "prune", client_prune, "NAME ... [--only SNAPSHOT]",
	    "delete earlier generations of a root, or one snapshot" },
	{ "client", "remove", client_remove, "NAME ... --keep | --purge",
	    "delete a client's file, and its root with all that it wrote or not" },
	{ "client", "reset", client_reset, "NAME ... [--purge]", "a fresh root on the same version of the image" },
	{ "client", "resize", client_resize, "NAME ... [--quota SIZE]", "another quota, with all that is there" },
	{ "client", "rollback", client_rollback, "NAME ... [--to SNAPSHOT]",
	    "back to the generation before, or a snapshot" },
	{ "client", "show", client_show, "NAME ...", "all about a client" },
	{ "client", "snapshot", client_snapshot, "NAME ... [--name SNAPSHOT]", "keep a copy of what clients wrote" },
	{ "client", "upgrade", client_upgrade, "NAME ... [--image IMAGE] [--version N]",
	    "a fresh root on another version of the image, with what is kept carried over" },
	{ "image", "build", image_build_command, "IMAGE",
	    "make the next version of an image as the configuration has it" },
	{ "image", "check", image_check_command, "NAME [VERSION]",
	    "which boards it can boot, and what to look at before" },
	{ "image", "import", image_import_command, "FILE --name IMAGE [--sha256 HEX]",
	    "make an image of a disk image (also in xz, gz, zst, zip), a tar or a directory" },
	{ "image", "list", image_list_command, "", "all images, and who uses them" },
	{ "image", "prune", image_prune_command, "[IMAGE] [--dry-run]", "remove versions that nobody uses" },
	{ "image", "shell", image_shell_command, "IMAGE [--discard]",
	    "a shell in the newest version; what is done there is the next" },
	{ "image", "verify", image_verify_command, "[IMAGE]", "compare the digests of images with their manifests" },
	{ "network", "list", network_list, "", "networks that are served" },
	{ "reload", NULL, ctl_reload, "", "read the configuration again" },
	{ "sighting", "list", sighting_list, "", "boards that asked to boot and are no clients" },
	{ "status", NULL, ctl_status, "", "the server, its processes, counts" },
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

/* ---- usage ---- */

static void
print_usage(FILE *file, const char *noun)
{
	for (const struct command *c = commands; c < commands + COMMANDS; c++) {
		if (noun != NULL && strcmp(noun, c->noun) != 0)
			continue;
		fprintf(file, "%s disklessctl %s%s%s%s%s\n", file == stderr ? "usage:" : "  ", c->noun,
		    c->verb == NULL ? "" : " ", c->verb == NULL ? "" : c->verb, c->arguments[0] == '\0' ? "" : " ",
		    c->arguments);
		if (file != stderr)
			fprintf(file, "          %s\n", c->what);
	}
}

static int
help(const char *noun)
{
	printf("usage: disklessctl [--json] COMMAND ...; words may be cut short. disklessctl(8) has more.\n");
	print_usage(stdout, noun);
	return EXIT_OK;
}

/* ---- words ---- */

/* The word that command c has at this point, NULL if it is not under noun. */
static const char *
word_of(const struct command *c, const char *noun)
{
	if (noun == NULL)
		return c->noun;
	return strcmp(c->noun, noun) == 0 ? c->verb : NULL;
}

/* The nouns, or the verbs of noun; each once, since the table is sorted. */
static void
print_words(const char *noun)
{
	const char *before = "";

	fputs("; here it may be:", stderr);
	for (const struct command *c = commands; c < commands + COMMANDS; c++) {
		const char *word = word_of(c, noun);

		if (word == NULL || strcmp(word, before) == 0)
			continue;
		fprintf(stderr, "%s %s", before[0] == '\0' ? "" : ",", word);
		before = word;
	}
	putc('\n', stderr);
}

/* The command whose word this is, or begins with, if it is the only one. */
static const struct command *
find(const char *text, const char *noun)
{
	const struct command *found = NULL;
	bool several = false;

	for (const struct command *c = commands; c < commands + COMMANDS; c++) {
		const char *word = word_of(c, noun);

		if (word == NULL || strncmp(word, text, strlen(text)) != 0)
			continue;
		if (strcmp(word, text) == 0)
			return c;
		several = several || (found != NULL && strcmp(word_of(found, noun), word) != 0);
		found = found == NULL ? c : found;
	}
	if (found != NULL && !several)
		return found;
	fprintf(stderr, "disklessctl: \"%s\" is %s", text,
	    several ? "the beginning of several words" : "no word that is known");
	print_words(noun);
	return NULL;
}

static const struct command *
choose(int argc, char **argv, int *used)
{
	const struct command *c;

	if (argc < 2) {
		fputs("disklessctl: a command is missing", stderr);
		print_words(NULL);
		return NULL;
	}
	c = find(argv[1], NULL);
	*used = 1;
	if (c == NULL || c->verb == NULL)
		return c;
	if (argc < 3) {
		fprintf(stderr, "disklessctl: a word is missing behind \"%s\"", c->noun);
		print_words(c->noun);
		return NULL;
	}
	*used = 2;
	return find(argv[2], c->noun);
}

/* ---- options that may stand anywhere ---- */

/* Takes it out. Behind "--" all words are arguments. */
static bool
take_option(int *argc, char **argv, const char *option)
{
	bool found = false;
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			memmove(&argv[kept], &argv[i], (size_t)(*argc - i) * sizeof(*argv));
			kept += *argc - i;
			break;
		}
		if (strcmp(argv[i], option) == 0)
			found = true;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	argv[kept] = NULL;
	return found;
}

int
main(int argc, char **argv)
{
	bool json = take_option(&argc, argv, "--json");
	bool h = take_option(&argc, argv, "-h"), wants_help = take_option(&argc, argv, "--help") || h;
	const struct command *running;
	static char name[64];
	int used = 0;

	log_to_stderr("disklessctl");
	if (wants_help) {
		const struct command *c = argc > 1 ? find(argv[1], NULL) : NULL;

		return c == NULL && argc > 1 ? EXIT_USAGE : help(c == NULL ? NULL : c->noun);
	}
	running = choose(argc, argv, &used);
	if (running == NULL)
		return EXIT_USAGE;
	snprintf(name, sizeof(name), "disklessctl %s%s%s", running->noun, running->verb == NULL ? "" : " ",
	    running->verb == NULL ? "" : running->verb);
	usage_is(name, running->arguments);
	argv[used] = name; /* what getopt(3) begins its complaints with */
	return running->run(argc - used, argv + used, json);
}
