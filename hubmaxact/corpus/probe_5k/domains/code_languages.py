"""How programs are written down: the syntax of six languages as a table.

Knows tokens and layout only; what a program does comes from `code_programs`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language. Forms are %-forms; a block ends with `close` unless that is empty."""

    name: str
    camel: bool
    comment: str
    indent: str
    open: tuple[str, ...]  # what a file may begin with
    function: str  # name, parameters, result type
    parameter: str  # name, type
    types: dict[str, str]
    let: str  # name, type, value
    assign: str
    add: str
    when: str
    otherwise: str
    each: str  # name, list
    count: str  # name, from, to
    loop: str
    back: str  # return
    guard: str  # condition, message
    append: str  # list, value
    length: str
    item: str  # list, index
    both: str
    either: str
    text: str
    call: str
    check: str  # an assertion on a value
    record: str
    field: str  # name, type
    record_end: str
    table: tuple[str, str, str]  # opening with its name, row of three literals, end
    close: str
    end: str = ";"


C_TYPES = {"num": "long", "list": "const long *", "text": "const char *", "flag": "int"}
RUST_TYPES = {"num": "i64", "list": "&[i64]", "text": "&str", "flag": "bool"}
GO_TYPES = {"num": "int", "list": "[]int", "text": "string", "flag": "bool"}
TS_TYPES = {"num": "number", "list": "number[]", "text": "string", "flag": "boolean"}
JAVA_TYPES = {"num": "long", "list": "List<Long>", "text": "String", "flag": "boolean"}
PYTHON_TYPES = {"num": "int", "list": "list[int]", "text": "str", "flag": "bool"}

PYTHON = Language(
    name="python",
    camel=False,
    comment="# %s",
    indent="    ",
    open=("import math\nimport logging\n", "from __future__ import annotations\n", "import sys\n"),
    function="def %(name)s(%(params)s) -> %(type)s:",
    parameter="%(name)s: %(type)s",
    types=PYTHON_TYPES,
    let="%(name)s = %(value)s",
    assign="%(name)s = %(value)s",
    add="%(name)s += %(value)s",
    when="if %s:",
    otherwise="else:",
    each="for %s in %s:",
    count="for %s in range(%s, %s):",
    loop="while %s:",
    back="return %s",
    guard='if %s:\n    raise ValueError("%s")',
    append="%s.append(%s)",
    length="len(%s)",
    item="%s[%s]",
    both="%s and %s",
    either="%s or %s",
    text='"%s"',
    call="%s(%s)",
    check="assert %s == %s",
    record="@dataclass\nclass %s:",
    field="%(name)s: %(type)s",
    record_end="",
    table=("%s = [", "(%d, 0x%06x, %s),", "]"),
    close="",
    end="",
)
C = Language(
    name="c",
    camel=False,
    comment="/* %s */",
    indent="\t",
    open=("#include <stdio.h>\n#include <stdlib.h>\n", "#include <string.h>\n#define N 64\n"),
    function="static %(type)s %(name)s(%(params)s)\n{",
    parameter="%(type)s %(name)s",
    types=C_TYPES,
    let="%(type)s %(name)s = %(value)s;",
    assign="%(name)s = %(value)s;",
    add="%(name)s += %(value)s;",
    when="if (%s) {",
    otherwise="} else {",
    each="for (size_t k = 0; k < n; k++) { /* %s of %s */",
    count="for (long %s = %s; i < %s; i++) {",
    loop="while (%s) {",
    back="return %s;",
    guard='if (%s) {\n\tfprintf(stderr, "%s\\n");\n\texit(1);\n}',
    append="push(&%s, %s);",
    length="len(%s)",
    item="%s[%s]",
    both="%s && %s",
    either="%s || %s",
    text='"%s"',
    call="%s(%s)",
    check="assert(%s == %s);",
    record="struct %s {",
    field="%(type)s %(name)s;",
    record_end="};",
    table=("static const struct entry %s[] = {", "{ %d, 0x%06x, %s },", "};"),
    close="}",
)
RUST = Language(
    name="rust",
    camel=False,
    comment="// %s",
    indent="    ",
    open=("use std::collections::HashMap;\n", "#![allow(dead_code)]\nuse std::fmt;\n"),
    function="pub fn %(name)s(%(params)s) -> %(type)s {",
    parameter="%(name)s: %(type)s",
    types=RUST_TYPES,
    let="let mut %(name)s: %(type)s = %(value)s;",
    assign="%(name)s = %(value)s;",
    add="%(name)s += %(value)s;",
    when="if %s {",
    otherwise="} else {",
    each="for %s in %s.iter() {",
    count="for %s in %s..%s {",
    loop="while %s {",
    back="return %s;",
    guard='if %s {\n    panic!("%s");\n}',
    append="%s.push(%s);",
    length="%s.len() as i64",
    item="%s[%s as usize]",
    both="%s && %s",
    either="%s || %s",
    text='"%s"',
    call="%s(%s)",
    check="assert_eq!(%s, %s);",
    record="#[derive(Debug, Clone)]\npub struct %s {",
    field="pub %(name)s: %(type)s,",
    record_end="}",
    table=("pub const %s: &[(i64, u32, &str)] = &[", "(%d, 0x%06x, %s),", "];"),
    close="}",
)
GO = Language(
    name="go",
    camel=True,
    comment="// %s",
    indent="\t",
    open=('package main\n\nimport (\n\t"fmt"\n\t"sort"\n)\n', "package probe\n"),
    function="func %(name)s(%(params)s) %(type)s {",
    parameter="%(name)s %(type)s",
    types=GO_TYPES,
    let="%(name)s := %(value)s",
    assign="%(name)s = %(value)s",
    add="%(name)s += %(value)s",
    when="if %s {",
    otherwise="} else {",
    each="for _, %s := range %s {",
    count="for %s := %s; i < %s; i++ {",
    loop="for %s {",
    back="return %s",
    guard='if %s {\n\tpanic("%s")\n}',
    append="%s = append(%s)",
    length="len(%s)",
    item="%s[%s]",
    both="%s && %s",
    either="%s || %s",
    text="`%s`",
    call="%s(%s)",
    check='if got := %s; got != %s {\n\tt.Fatalf("got %%d", got)\n}',
    record="type %s struct {",
    field="%(name)s %(type)s",
    record_end="}",
    table=("var %s = []entry{", "{%d, 0x%06x, %s},", "}"),
    close="}",
    end="",
)
TYPESCRIPT = Language(
    name="typescript",
    camel=True,
    comment="// %s",
    indent="  ",
    open=('import { readFile } from "node:fs/promises";\n', '"use strict";\n'),
    function="export function %(name)s(%(params)s): %(type)s {",
    parameter="%(name)s: %(type)s",
    types=TS_TYPES,
    let="let %(name)s: %(type)s = %(value)s;",
    assign="%(name)s = %(value)s;",
    add="%(name)s += %(value)s;",
    when="if (%s) {",
    otherwise="} else {",
    each="for (const %s of %s) {",
    count="for (let %s = %s; i < %s; i += 1) {",
    loop="while (%s) {",
    back="return %s;",
    guard='if (%s) {\n  throw new Error("%s");\n}',
    append="%s.push(%s);",
    length="%s.length",
    item="%s[%s]",
    both="%s && %s",
    either="%s || %s",
    text="'%s'",
    call="%s(%s)",
    check="expect(%s).toBe(%s);",
    record="export interface %s {",
    field="%(name)s?: %(type)s;",
    record_end="}",
    table=("const %s = [", "[%d, 0x%06x, %s],", "] as const;"),
    close="}",
)
JAVA = Language(
    name="java",
    camel=True,
    comment="// %s",
    indent="    ",
    open=("import java.util.List;\nimport java.util.Map;\n", "package org.example.probe;\n"),
    function="public static %(type)s %(name)s(%(params)s) {",
    parameter="final %(type)s %(name)s",
    types=JAVA_TYPES,
    let="%(type)s %(name)s = %(value)s;",
    assign="%(name)s = %(value)s;",
    add="%(name)s += %(value)s;",
    when="if (%s) {",
    otherwise="} else {",
    each="for (long %s : %s) {",
    count="for (int %s = %s; i < %s; i++) {",
    loop="while (%s) {",
    back="return %s;",
    guard='if (%s) {\n    throw new IllegalStateException("%s");\n}',
    append="%s.add(%s);",
    length="%s.size()",
    item="%s.get(%s)",
    both="%s && %s",
    either="%s || %s",
    text='"%s"',
    call="%s(%s)",
    check="assertEquals(%s, %s);",
    record="public final class %s {",
    field="private %(type)s %(name)s;",
    record_end="}",
    table=("static final Object[][] %s = {", "{%d, 0x%06x, %s},", "};"),
    close="}",
)

LANGUAGES = (PYTHON, C, RUST, GO, TYPESCRIPT, JAVA)
