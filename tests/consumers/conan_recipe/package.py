# SPDX-License-Identifier: BSL-1.0
"""package.py PROJECT RECIPE VERSION PACKAGE: runs the recipe's methods with the stand-in for Conan, which is not in Debian."""
import importlib.util
import pathlib
import re
import sys
import types

project, recipe, version, package = sys.argv[1:]
recipe = pathlib.Path(recipe)
compile((recipe / "test_package" / "conanfile.py").read_text(), "test_package/conanfile.py", "exec")
for page, pattern in (("../config.yml", f'"{version}":\n    folder: all\n'), ("conandata.yml", f'"{version}":\n    url: "https://[^"]+"\n    sha256: "[0-9a-f]{{64}}"\n')):
    assert re.search(pattern, (recipe / page).read_text()), f"{page} does not name {version}"

spec = importlib.util.spec_from_file_location("recipe", recipe / "conanfile.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
conan = module.CtsConan()
conan.version = version
conan.conan_data = {"sources": {version: {"url": "https://example.invalid", "sha256": "0" * 64}}}
conan.settings = types.SimpleNamespace(os="Linux")
conan.upstream, conan.package_folder = project, package
for step in ("layout", "package_id", "validate", "source", "package", "package_info"):
    getattr(conan, step)()
assert (pathlib.Path(package) / "licenses" / "LICENSE").exists(), "no license"
targets = {name: c.properties["cmake_target_name"] for name, c in conan.cpp_info.components.items()}
assert targets == {"core": "cts::core", "cts": "cts::cts"}, targets
