/* SPDX-License-Identifier: MIT */
/* The first 128 characters of a console font, 8 by 16; core.mk takes them from Debian's. */
    .section .rodata.font, "a"
    .globl  framebuffer_font
framebuffer_font:
    .incbin FONT
    .section .note.GNU-stack, "", @progbits
