# SPDX-License-Identifier: BSL-1.0
"""check_natvis.py ROOT [NATVIS]: the file is XML of the natvis schema's elements, its types are those of the version, and the headers declare each
type and each member that it names. No debugger of Windows runs here."""
import pathlib
import re
import sys
import xml.etree.ElementTree

root = pathlib.Path(sys.argv[1])
natvis = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else root / "core/debug/cts.natvis"
headers = {p: re.sub(r"//[^\n]*", "", p.read_text(encoding="utf-8")) for p in (root / "core/include/cts").glob("**/*.hpp")}
text = "\n".join(headers.values())
version = [re.search(r"#define CTS_VERSION_%s (\d+)" % part, text).group(1) for part in ("MAJOR", "MINOR")]
abi = "v%s_%s" % tuple(version)

space = "{http://schemas.microsoft.com/vstudio/debugger/natvis/2010}"
children = {  # the part of the schema that the file uses
    "AutoVisualizer": {"Type"}, "Type": {"DisplayString", "Expand"},
    "Expand": {"Item", "ExpandedItem", "ArrayItems", "CustomListItems"}, "ArrayItems": {"Size", "ValuePointer"},
    "CustomListItems": {"Variable", "Loop"}, "Loop": {"Loop", "Exec", "If", "Item", "Break"}, "If": {"Item", "Exec"},
}
attributes = {
    "Type": {"Name"}, "DisplayString": {"Condition"}, "Item": {"Name", "Condition"}, "ExpandedItem": {"Condition"},
    "CustomListItems": {"MaxItemsPerView"}, "Variable": {"Name", "InitialValue"}, "Loop": {"Condition"}, "If": {"Condition"}, "Break": {"Condition"},
}
foreign = {"_Storage", "_Value", "this", "int", "void", "unsigned", "__int64", "ull", "x"}  # of MSVC's library, of the language, of formats
faults, members, types = [], set(), set()


def look(expression, known):
    for name in re.findall(r"cts::(\w+)::", expression):
        if name != abi:
            faults.append("%s: the inline namespace is %s" % (expression, abi))
    for name in re.findall(r"cts::\w+((?:::\w+)+)", expression):
        types.add(name.split("::")[-1])
    rest = re.sub(r"cts::\w+(::\w+)+", " ", expression)
    for name in re.findall(r"(?<![\w$])[A-Za-z_]\w*", re.sub(r"\b\d+\w*", " ", rest)):
        if name not in foreign and name not in known:
            members.add(name)


def walk(element, known):
    tag = element.tag.replace(space, "")
    if not element.tag.startswith(space):
        faults.append("%s is not in the namespace of natvis" % element.tag)
    for attribute in element.attrib:
        if attribute not in attributes.get(tag, set()):
            faults.append("%s has no attribute %s" % (tag, attribute))
    known = known | {e.get("Name") for e in element if e.tag == space + "Variable"}
    for attribute in ("Condition", "InitialValue"):
        if element.get(attribute):
            look(element.get(attribute), known)
    value = element.text or ""
    if tag == "Type":
        look(element.get("Name"), known)
    elif tag in ("DisplayString", "Item") and "{" in value + element.get("Name", ""):
        for part in re.findall(r"\{([^}]*)\}", value + element.get("Name", "")):
            look(part, known)
    if tag in ("Item", "ExpandedItem", "Size", "ValuePointer", "Exec"):
        look(value, known)
    for child in element:
        if child.tag.replace(space, "") not in children.get(tag, set()):
            faults.append("%s may not stand in %s" % (child.tag, tag))
        walk(child, known)


walk(xml.etree.ElementTree.parse(natvis).getroot(), frozenset())
for name in sorted(types):
    if not re.search(r"\b(class|struct) (alignas\([^)]*\) |CTS_SHARED_SYMBOL |\[\[\w+\]\] )*%s\b" % name, text):
        faults.append("no class %s in the headers" % name)
for name in sorted(members):
    if not re.search(r"[\w>\])*&] %s( = [^;]*|\{[^;]*\}|\[[\w:]+\])?;" % name, text):
        faults.append("no member %s in the headers" % name)
if len(members) < 15 or len(types) < 12:
    faults.append("only %d members and %d types found: is the file still read?" % (len(members), len(types)))
for fault in faults:
    print(fault, file=sys.stderr)
print("%d types, %d members" % (len(types), len(members)))
sys.exit(1 if faults else 0)
