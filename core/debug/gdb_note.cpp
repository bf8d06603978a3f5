// SPDX-License-Identifier: BSL-1.0
/// @file
/// Part of a program that links cts::gdb: a note in the section .debug_gdb_scripts, by which gdb loads cts_gdb.py.
#if defined(__ELF__) && defined(CTS_GDB_SCRIPT) && (defined(__GNUC__) || defined(__clang__))
asm(".pushsection \".debug_gdb_scripts\", \"MS\", %progbits, 1\n"
    ".byte 1\n"  // the name of a script in Python follows
    ".asciz \"" CTS_GDB_SCRIPT
    "\"\n"
    ".popsection\n");
#endif
