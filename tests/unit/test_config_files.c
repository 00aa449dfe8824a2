/* SPDX-License-Identifier: ISC */
/* Configurations in files: includes, what may be read at all, printing back; the examples and the manual. */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "address.h"
#include "grammar.h"

#define MANUAL "conf/diskless.conf.5"
#define SERVER "server-address 10.0.0.1\n"

static char errors[8192];
static char directory[] = "/tmp/diskless-config-XXXXXX";

static bool
fake_subnet(const char *interface, uint32_t server, uint32_t *subnet, unsigned *prefix, const char **why)
{
	*prefix = 24;
	*subnet = server & prefix_mask(*prefix);
	return true;
}

static const struct config_resolver fake = { .subnet = fake_subnet };

/* ---- a directory of its own ---- */

static void
enter(void)
{
	umask(022);
	cr_assert(mkdtemp(directory) != NULL && chdir(directory) == 0);
}

static void
leave(void)
{
	char command[sizeof(directory) + 16];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_expect(chdir("/") == 0 && system(command) == 0);
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert(fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
expect_refused(const char *path, const char *what)
{
	struct config *config = config_load(path, &fake, errors, sizeof(errors));

	cr_expect_null(config);
	cr_expect_str_eq(errors, what, "%s", errors);
	config_free(config);
}

static struct config *
load(const char *path)
{
	struct config *config = config_load(path, &fake, errors, sizeof(errors));

	cr_assert_not_null(config, "%s", errors);
	return config;
}

TestSuite(config_files, .init = enter, .fini = leave);

Test(config_files, includes_are_relative_to_their_file_and_read_in_order)
{
	struct config *config;

	cr_assert(mkdir("etc", 0755) == 0 && mkdir("etc/d", 0755) == 0);
	put("etc/main.conf", "include \"d/*.conf\"\ninclude d/last\n");
	put("etc/d/b.conf", "image b { }\n");
	put("etc/d/a.conf", "image a { }");
	put("etc/d/a.conf~", "nonsense");
	put("etc/d/.c.conf", "nonsense");
	put("etc/d/last", "image z { }\n");
	config = load("etc/main.conf");
	cr_assert_eq(config->image_count, 3);
	cr_expect_str_eq(config->image[0].name, "a");
	cr_expect_str_eq(config->image[1].name, "b");
	cr_expect_str_eq(config->image[2].name, "z");
	cr_expect_str_eq(config->image[0].place.file, "etc/d/a.conf");
	config_free(config);
}

Test(config_files, errors_name_the_included_file)
{
	put("main.conf", SERVER "include a.conf\nfoo\n");
	put("a.conf", "image a { }\nimage b { foo }\n");
	expect_refused("main.conf",
	    "a.conf:2:11: unknown word \"foo\"; allowed here: architecture, authorized-keys, config-txt, docker, "
	    "file, keep, locale, mirror, packages, room, run, sha256, source, ssh, suite, timezone, user or }\n"
	    "main.conf:3:1: unknown word \"foo\"; allowed here: client, image, include, low-water, network "
	    "or server-address\n");
}

Test(config_files, what_is_there_twice_is_found_across_files)
{
	put("main.conf", "image a { }\ninclude a.conf\n");
	put("a.conf", "image a { }\n");
	expect_refused("main.conf", "a.conf:1:7: image \"a\" is there twice; the first is at main.conf:1:7\n");
}

Test(config_files, a_pattern_may_match_nothing_but_a_plain_name_must_be_there)
{
	put("main.conf", "include \"clients.d/*.conf\"\n");
	config_free(load("main.conf"));
	put("main.conf", "include clients.d/a.conf\n");
	expect_refused("main.conf", "main.conf:1:9: \"clients.d/a.conf\" cannot be read: No such file or directory; "
				    "write the file or correct the name\n");
	expect_refused("none.conf", "none.conf: \"none.conf\" cannot be read: No such file or directory; "
				    "write the file or correct the name\n");
}

Test(config_files, a_file_that_includes_itself_is_refused)
{
	put("a.conf", "include b.conf\n");
	put("b.conf", "\ninclude ./a.conf\n");
	expect_refused("a.conf", "b.conf:2:9: \"./a.conf\" includes itself; leave out that include\n");
}

Test(config_files, includes_end_at_a_depth)
{
	char path[32], text[32];

	for (int i = 1; i <= 9; i++) {
		snprintf(path, sizeof(path), "%d.conf", i);
		snprintf(text, sizeof(text), "include %d.conf\n", i + 1);
		put(path, text);
	}
	put("9.conf", "");
	expect_refused("1.conf", "8.conf:1:9: \"9.conf\" is included more than 8 files deep; include it further up\n");
	config_free(load("2.conf"));
}

Test(config_files, a_file_that_others_can_write_is_refused)
{
	put("main.conf", "");
	cr_assert_eq(chmod("main.conf", 0664), 0);
	expect_refused(
	    "main.conf", "main.conf: \"main.conf\" can be written by group or others; only root may: chmod go-w\n");
	cr_assert_eq(chmod("main.conf", 0646), 0);
	expect_refused(
	    "main.conf", "main.conf: \"main.conf\" can be written by group or others; only root may: chmod go-w\n");
	cr_assert_eq(chmod("main.conf", 0644), 0);
	config_free(load("main.conf"));
	put("a.conf", "");
	put("main.conf", "include \"a*\"");
	cr_assert_eq(chmod("a.conf", 0620), 0);
	expect_refused(
	    "main.conf", "main.conf:1:9: \"a.conf\" can be written by group or others; only root may: chmod go-w\n");
}

Test(config_files, a_file_of_another_user_is_refused)
{
	if (geteuid() != 0)
		cr_skip_test("only root can give a file away");
	put("main.conf", "");
	cr_assert_eq(chown("main.conf", 65534, 0), 0);
	expect_refused(
	    "main.conf", "main.conf: \"main.conf\" belongs to another user; it must be root's: chown root\n");
}

Test(config_files, what_is_no_file_is_refused_and_not_waited_for, .timeout = 5)
{
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	expect_refused("fifo", "fifo: \"fifo\" is no regular file; a configuration is one\n");
	expect_refused("/dev/zero", "/dev/zero: \"/dev/zero\" is no regular file; a configuration is one\n");
	expect_refused(".", ".: \".\" is no regular file; a configuration is one\n");
}

Test(config_files, a_file_of_more_than_a_megabyte_is_refused)
{
	put("main.conf", "");
	cr_assert_eq(truncate("main.conf", (1 << 20) + 1), 0);
	expect_refused("main.conf", "main.conf: \"main.conf\" is larger than 1 MiB; split it with include\n");
}

Test(config_files, an_interface_that_is_there_gives_its_subnet)
{
	struct config *config;

	put("main.conf", "network n { interface lo server-address 127.0.0.1 }\n");
	config = config_load("main.conf", &config_resolver_system, errors, sizeof(errors));
	cr_assert_not_null(config, "%s", errors);
	cr_expect_eq(config->network[0].prefix, 8);
	config_free(config);
	put("main.conf", "network n { interface lo server-address 192.0.2.1 }\n"
			 "network m { interface no-such-if server-address 192.0.2.1 }\n");
	cr_expect_null(config_load("main.conf", &config_resolver_system, errors, sizeof(errors)));
	cr_expect_str_eq(errors,
	    "main.conf:1:23: interface \"lo\" cannot serve with 192.0.2.1: it does not have that address; "
	    "correct one of them, or set up the interface first\n"
	    "main.conf:2:23: interface \"no-such-if\" cannot serve with 192.0.2.1: there is no such "
	    "interface; correct one of them, or set up the interface first\n");
}

/* ---- what is in conf/ ---- */

static char *
contents(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 65536);

	cr_assert(f != NULL && text != NULL, "%s", path);
	cr_assert_lt(fread(text, 1, 65536, f), 65536);
	fclose(f);
	return text;
}

static char *
printed(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	config_print(config, f);
	fclose(f);
	return text;
}

static void
expect_round_trip(const char *name, const struct config *config)
{
	char *text = printed(config), *second;
	struct config *again = config_parse(name, text, strlen(text), &fake, errors, sizeof(errors));

	cr_assert_not_null(again, "%s\n%s", errors, text);
	cr_expect(config_equal(config, again), "%s", text);
	second = printed(again);
	cr_expect_str_eq(second, text);
	config_free(again);
	free(text);
	free(second);
}

/* As the operator would: a copy in a directory where the rights are right. */
static struct config *
load_text(const char *text)
{
	char path[] = "/tmp/diskless-example-XXXXXX";
	int fd = mkstemp(path);
	struct config *config;

	cr_assert(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	config = config_load(path, &fake, errors, sizeof(errors));
	close(fd);
	unlink(path);
	cr_assert_not_null(config, "%s", errors);
	return config;
}

Test(config_examples, each_is_right_and_printed_back_means_the_same)
{
	glob_t found;

	cr_assert_eq(glob("conf/examples/*.conf", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = contents(found.gl_pathv[i]);
		struct config *config = load_text(text);

		cr_expect_gt(config->client_count, 0);
		expect_round_trip(found.gl_pathv[i], config);
		config_free(config);
		free(text);
	}
	globfree(&found);
}

Test(config_examples, those_in_the_manual_are_the_files_and_all_of_them)
{
	char *manual = contents(MANUAL), *block;
	size_t blocks = 0;
	glob_t found;

	for (block = manual; (block = strstr(block, "\n.Bd -literal")) != NULL; block++)
		blocks++;
	cr_assert_eq(glob("conf/examples/*.conf", 0, NULL, &found), 0);
	cr_expect_eq(found.gl_pathc, blocks);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = contents(found.gl_pathv[i]), *wrapped;

		cr_assert_neq(asprintf(&wrapped, "\n.Bd -literal\n%s.Ed\n", text), -1);
		cr_expect(strstr(manual, wrapped) != NULL, "%s", found.gl_pathv[i]);
		free(wrapped);
		free(text);
	}
	globfree(&found);
	free(manual);
}

Test(config_examples, every_word_of_the_language_is_in_the_manual)
{
	char *manual = contents(MANUAL), word[32];

	for (int token = T_ADDRESS; token <= T_USER; token++) {
		cr_expect_eq(config_keyword(config_word(token)), token);
		snprintf(word, sizeof(word), " %s", config_word(token));
		cr_expect(strstr(manual, word) != NULL, "%s", word);
	}
	free(manual);
}

/* In the file that is installed, "#word" is a statement to be taken in and "# words" is prose. */
static void
take_in(char *text)
{
	char *to = text;

	for (char *from = text; *from != '\0'; from++) {
		bool begins_line = from == text || from[-1] == '\n';

		if (!(begins_line && *from == '#' && strchr(" \n", from[1]) == NULL))
			*to++ = *from;
	}
	*to = '\0';
}

Test(config_examples, the_installed_file_is_right_with_and_without_its_comment_signs)
{
	char *text = contents("conf/diskless.conf");
	struct config *config = load_text(text);

	cr_expect_eq(config->network_count, 0);
	config_free(config);
	take_in(text);
	config = load_text(text);
	cr_expect_eq(config->network_count, 1);
	expect_round_trip("diskless.conf", config);
	config_free(config);
	free(text);
}

/* ---- printing and comparing ---- */

#define NETWORK "network n { interface \"e\\\"\\\\\" server-address 10.0.0.1 subnet 10.0.0.0/24 }\n"
#define CLIENT  "client c { network n image i mac 02:00:00:00:00:01 address 10.0.0.2 quota 8388609 }\n"

static struct config *
parse(const char *text)
{
	struct config *config = config_parse("x", text, strlen(text), &fake, errors, sizeof(errors));

	cr_assert_not_null(config, "%s", errors);
	return config;
}

Test(config_print, quotes_are_escaped_and_sizes_exact)
{
	struct config *config = parse(NETWORK "image i { }\n" CLIENT);
	char *text = printed(config);

	cr_expect_str_eq(text,
	    "network \"n\" {\n\tinterface \"e\\\"\\\\\"\n\tserver-address 10.0.0.1\n\tsubnet 10.0.0.0/24\n"
	    "\tdhcp proxy\n\tunknown observe\n}\n\nimage \"i\" {\n}\n\nclient \"c\" {\n"
	    "\tmac 02:00:00:00:00:01\n\tnetwork \"n\"\n\taddress 10.0.0.2\n\timage \"i\"\n"
	    "\tquota 8388609\n\troot nfs\n\tboot network\n}\n");
	expect_round_trip("x", config);
	free(text);
	config_free(config);
}

Test(config_print, a_client_is_a_file_of_clients_d)
{
	struct config *config =
	    parse(NETWORK "image i { }\nclient c { serial 000000010000abcd network n mac 02:00:00:00:00:01\n"
			  "address 10.0.0.2 root local \"PARTUUID=1-02\" boot sd cmdline \"a\\\"b\" }");
	char text[512] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	config_print_client(&config->client[0], f);
	fclose(f);
	cr_expect_str_eq(text,
	    "client \"c\" {\n\tserial 000000010000abcd\n\tmac 02:00:00:00:00:01\n\tnetwork \"n\"\n"
	    "\taddress 10.0.0.2\n\troot local \"PARTUUID=1-02\"\n\tboot sd\n\tcmdline \"a\\\"b\"\n}\n");
	config_free(config);
}

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HASH   "$6$salt$0123456789abcdef"

Test(config_print, a_recipe_is_printed_as_it_was_written)
{
	struct config *config =
	    parse("image i { suite trixie architecture arm64 mirror http://m/debian room 2G locale C.UTF-8\n"
		  "config-txt { \"gpu_mem=16\" \"[all]\" } ssh on docker on file /a /b file /c /d\n"
		  "user pi { password-hash " HASH " groups { a, b } } user u { } keep { /srv }\n}");
	char *text = printed(config);

	cr_expect_str_eq(text,
	    "image \"i\" {\n\tsuite \"trixie\"\n\tarchitecture \"arm64\"\n\tmirror \"http://m/debian\"\n\troom 2G\n"
	    "\tlocale \"C.UTF-8\"\n\tconfig-txt { \"gpu_mem=16\", \"[all]\" }\n\tuser \"pi\" {\n"
	    "\t\tpassword-hash \"" HASH "\"\n\t\tgroups { \"a\", \"b\" }\n\t}\n\tuser \"u\" {\n\t}\n"
	    "\tfile \"/a\" \"/b\"\n\tfile \"/c\" \"/d\"\n\tssh on\n\tdocker on\n\tkeep { \"/srv\" }\n}\n");
	expect_round_trip("x", config);
	free(text);
	config_free(config);
}

Test(config_print, many_users_and_files_are_kept_in_order)
{
	char text[4096] = "image i {\n";
	struct config *config;

	for (char c = 'a'; c <= 'z'; c++)
		sprintf(text + strlen(text), "user %c { groups { %c } }\nfile /%c /%c\n", c, c, c, c);
	config = parse(strcat(text, "}\n"));
	cr_assert_eq(config->image[0].user_count, 26);
	cr_assert_eq(config->image[0].file_count, 26);
	for (int i = 0; i < 26; i++) {
		cr_expect_eq(config->image[0].user[i].name[0], 'a' + i);
		cr_expect_eq(config->image[0].user[i].groups.word[0][0], 'a' + i);
		cr_expect_eq(config->image[0].file[i].target[1], 'a' + i);
	}
	expect_round_trip("x", config);
	config_free(config);
}

/* Pairs that differ in one thing only, each field once. */
static const char *const different[][2] = {
	{ "", SERVER },
	{ "", NETWORK },
	{ "image a { }", "image b { }" },
	{ "image a { }", "image a { source /a }" },
	{ "image a { timezone UTC }", "image a { timezone Asia/Seoul }" },
	{ "image a { authorized-keys /a }", "image a { authorized-keys /b }" },
	{ "image a { packages { a b } }", "image a { packages { a } }" },
	{ "image a { packages { a b } }", "image a { packages { a c } }" },
	{ "image a { run /a }", "image a { run /b }" },
	{ "image a { source /a }", "image a { source /a sha256 " DIGEST " }" },
	{ "image a { suite b architecture arm64 }", "image a { suite c architecture arm64 }" },
	{ "image a { suite b architecture arm64 }", "image a { suite b architecture armhf }" },
	{ "image a { suite b architecture arm64 }", "image a { suite b architecture arm64 mirror http://c/ }" },
	{ "low-water 1G", "" },
	{ "image a { room 1M }", "image a { room 2M }" },
	{ "image a { locale C.UTF-8 }", "image a { }" },
	{ "image a { config-txt { a } }", "image a { config-txt { b } }" },
	{ "image a { keep { /a } }", "image a { keep { /b } }" },
	{ "image a { ssh on }", "image a { ssh off }" },
	{ "image a { docker on }", "image a { docker off }" },
	{ "image a { file /a /b }", "image a { }" },
	{ "image a { file /a /b }", "image a { file /a /c }" },
	{ "image a { file /a /b }", "image a { file /c /b }" },
	{ "image a { user a { } }", "image a { }" },
	{ "image a { user a { } }", "image a { user b { } }" },
	{ "image a { user a { password-hash " HASH " } }", "image a { user a { } }" },
	{ "image a { user a { groups { a } } }", "image a { user a { groups { b } } }" },
	{ SERVER "network a { interface a }", SERVER "network b { interface a }" },
	{ SERVER "network a { interface a }", SERVER "network a { interface b }" },
	{ SERVER "network a { interface a }", SERVER "network a { interface a server-address 10.0.0.1 }" },
	{ SERVER "network a { interface a }", SERVER "network a { interface a subnet 10.0.0.0/24 }" },
	{ SERVER "network a { interface a }", SERVER "network a { interface a gateway 10.0.0.2 }" },
	{ SERVER "network a { interface a }", SERVER "network a { interface a dhcp off }" },
	{ SERVER "network a { interface a }", SERVER "network a { interface a unknown answer }" },
	{ SERVER "network a { interface a }", SERVER "network a { interface a guard on }" },
	{ SERVER "network a { interface a }", SERVER "network a { interface a name-servers { 1.1.1.1 } }" },
	{ SERVER "network a { interface a name-servers { 1.1.1.2 } }",
	    SERVER "network a { interface a name-servers { 1.1.1.1 } }" },
};

/* The same for the words of a client, in a configuration that has what they name. */
static const char *const different_client[][2] = {
	{ "a", "b" },
	{ "a { serial 00000000", "a {" },
	{ "a { serial 00000001", "a { serial 00000002" },
	{ "a { boot sd", "a {" },
	{ "a { root local x", "a {" },
	{ "a { root local x", "a { root local y" },
	{ "a { cmdline \"\"", "a {" },
	{ "a { cmdline x", "a { cmdline y" },
	{ "a { mac 02:00:00:00:00:03", "a {" },
	{ "a { address 10.0.0.3", "a {" },
	{ "a { quota 9G", "a {" },
	{ "a { inodes 1K", "a {" },
	{ "a { inodes 1K", "a { inodes 2K" },
	{ "a { image j", "a {" },
	{ "a { network m", "a {" },
	{ "a { persistence discard", "a {" },
	{ "a { keep { /a }", "a {" },
	{ "a { keep { /a }", "a { keep { /b }" },
};

static void
expect_different(const char *one, const char *other)
{
	struct config *a = config_parse("x", one, strlen(one), NULL, errors, sizeof(errors));
	struct config *b = config_parse("x", other, strlen(other), NULL, errors, sizeof(errors));

	cr_assert(a != NULL && b != NULL, "%s\n%s", one, other);
	cr_expect(config_equal(a, a) && config_equal(b, b));
	cr_expect(!config_equal(a, b), "%s\n%s", one, other);
	config_free(a);
	config_free(b);
}

Test(config_equal, no_two_that_differ)
{
	for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++)
		expect_different(different[i][0], different[i][1]);
}

/* A whole client out of its name and the statements that matter, with what they leave out. */
static char *
whole(const char *part)
{
	static const struct {
		const char *word, *statement;
	} rest[] = { { "mac ", "mac 02:00:00:00:00:01" }, { "address ", "address 10.0.0.2" }, { "quota ", "quota 8G" },
		{ "image ", "image i" }, { "network ", "network n" } };
	char *text = calloc(1, 1024);

	strcpy(text, SERVER "network n { interface e } network m { interface f }\nimage i { } image j { }\nclient ");
	strcat(strcat(text, part), strchr(part, '{') == NULL ? " {" : "");
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		if (strstr(part, rest[i].word) == NULL)
			strcat(strcat(text, "\n"), rest[i].statement);
	}
	return strcat(text, "\n}\n");
}

Test(config_equal, no_two_whose_clients_differ)
{
	for (size_t i = 0; i < sizeof(different_client) / sizeof(different_client[0]); i++) {
		char *one = whole(different_client[i][0]), *other = whole(different_client[i][1]);

		expect_different(one, other);
		free(one);
		free(other);
	}
}
