COMMON_SRCS += $(addprefix common/config/,grammar.y lexer.c check.c print.c config.c)
