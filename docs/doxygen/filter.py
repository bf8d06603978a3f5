#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Doxygen's input filter: filter.py FILE prints the file as Doxygen shall read it.

Pages (*.md): every heading gets an anchor, links to pages and headings become references, and a block of states becomes the picture
of docs/states. Headers (*.hpp): the inline namespace vanishes, and rules (R…) and guarantees (G…) in docstrings become links.
Lines keep their numbers, so Doxygen's warnings name the right ones.
"""
import pathlib
import re
import sys


def slug(heading):
    """A heading's anchor, as web pages of repositories have it."""
    text = re.sub(r"[`*_]", lambda m: "_" if m.group(0) == "_" else "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchor(page, heading):
    """A heading's name in the site: r1 and g4 as they are, others with the name of their page."""
    if re.fullmatch(r"[rg]\d+|lin", heading):
        return heading
    return f"{page}_{heading}".replace("-", "_").replace(".", "_")


def stem(path):
    """A page's short name: its file's, or its folder's for a README of a folder."""
    return path.parent.name if path.name == "README.md" and path.parent.name == "packaging" else path.stem


def page_name(page):
    return "index" if page == "README" else "page_" + page.replace("-", "_")


def link(page, text, target):
    """A link of a page as Doxygen's reference; a file that is no page becomes its name."""
    if re.match(r"[a-z]+:", target):
        return f"[{text}]({target})"
    path, _, heading = target.partition("#")
    name = stem(pathlib.PurePosixPath(path)) if path else page
    if path and not path.endswith(".md"):
        return text if text.startswith("`") else f"{text} (`{path.removeprefix('../')}`)"
    if heading:
        return f"[{text}](@ref {anchor(name, heading)})"
    return f"[{text}](@ref {page_name(name)})"


def prose(page, text):
    """Lines outside code blocks: their links, with code spans left alone."""
    line = re.sub(r'<a id="(\w+)"></a>', lambda m: f"\\anchor {anchor(page, m[1])} ", text)
    line = re.sub(r"(`+)(.+?)\1(?!`)", lambda m: f"``{m[2]}``" if "'" in m[2] else m[0], line)  # else a quote ends the code span
    line = re.sub(r"!\[([^\]]*)\]\((?:\w+/)*([\w.]+)\)", r"![\1](\2)", line)
    line = re.sub(r"(?<!!)\[((?:`+[^`]*`+|[^\]`])*)\]\(([^)\s]+)\)", lambda m: link(page, m.group(1), m.group(2)), line)
    parts = re.split(r"(`+.+?`+|!?\[[^\]]*\]\([^)]*\)|\\anchor \w+)", line)
    parts[::2] = [re.sub(r"\b([RG])(\d{1,2})\b(?!\.\w)", lambda m: f"[{m[0]}](@ref {m[1].lower()}{m[2]})", p) for p in parts[::2]]
    return "".join(parts)


def filter_page(path):
    page, fence, states, plain, out, prose_at = stem(path), "", "", False, [], []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if fence:
            fence = "" if line.startswith(fence) else fence
            out.append("" if states else line)
            states = states if fence else ""
        elif line.startswith("```"):
            fence = "```"
            out.append(f"\\dotfile {states}.dot" if states else line.replace("```c++", "```cpp").replace("```csharp", "```cs"))
        elif m := re.match(r"<!-- states: (\w+) -->", line):
            states = m.group(1)
            out.append("")
        elif m := re.match(r"(#+) (.*)", line):
            level, title = m.groups()
            name = page_name(page) if level == "#" else anchor(page, slug(title))
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
            out.append(line if page == "README" and level == "#" else f"{level} {title} {{#{name}}}")
        elif plain:
            out[-1] += "\n" + line  # a link may go on in the next line
            continue
        else:
            out.append(line)
            plain = True
            prose_at.append(len(out) - 1)
            continue
        plain = False
    for i in prose_at:
        out[i] = prose(page, out[i])
    return "\n".join(out)


# Of these headers in core/ the site has the reference; of the others the essay at their head and their enumerations.
REFERENCE = {"callback.hpp", "memory_orders.hpp", "registry.hpp"}


def prose_of_docstring(text):
    """Rules and guarantees as links; <name> as text."""
    text = re.sub(r"<(/?[a-z_]+)>", r"&lt;\1&gt;", text)
    return re.sub(r"\b([RG])(\d{1,2})\b(?!\.\w)", lambda m: f'@ref {m[1].lower()}{m[2]} "{m[0]}"', text)


def docstring(line):
    """A line with a docstring; code spans and indented code are left alone."""
    head, text = re.match(r"(.*?///[</!]*)(.*)", line).groups()
    if text.startswith("     "):
        return line
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = map(prose_of_docstring, parts[::2])
    return head + "".join(parts)


def without_what_doxygen_misreads(text):
    """Without friend classes, which are no part of the interface, and specializations of std::hash, which Doxygen cannot place."""
    text = re.sub(r"(^ *template <[^\n]*>\n)?^ *friend [\w:<> ,]+;$", lambda m: "\n" * m[0].count("\n"), text, flags=re.M)
    return re.sub(r"template <>\nstruct (\[\[.*?\]\] )?std::hash<.*?\n\};\n", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)


def essay_and_enumerations(lines):
    """The lines up to #pragma once, the namespaces, and each documented enumeration; the others are empty."""
    essay = next(i for i, l in enumerate(lines) if l.startswith("#pragma once"))
    kept, inside = set(range(essay)), False
    for i, line in enumerate(lines):
        if re.match(r"(namespace|\}  // namespace) (cts|core)\b", line):
            kept.add(i)
        elif line.startswith("enum class"):
            inside = True
            above = i - 1
            while lines[above].startswith("///"):
                kept.add(above)
                above -= 1
        if inside:
            kept.add(i)
            inside = not line.endswith("};")
    return [l if i in kept else "" for i, l in enumerate(lines)]


def filter_header(path):
    lines = without_what_doxygen_misreads(path.read_text(encoding="utf-8")).split("\n")
    if path.parent.name == "core" and path.name not in REFERENCE:
        lines = essay_and_enumerations(lines)
    lines = [("" if re.match(r"(inline namespace CTS_ABI \{|\}  // namespace CTS_ABI)", l) else l) for l in lines]
    return "\n".join(docstring(l) if "///" in l else l for l in lines)


if __name__ == "__main__":
    file = pathlib.Path(sys.argv[1])
    filters = {".md": filter_page, ".hpp": filter_header}
    sys.stdout.write(filters.get(file.suffix, pathlib.Path.read_text)(file))
