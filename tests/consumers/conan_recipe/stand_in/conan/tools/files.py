# SPDX-License-Identifier: BSL-1.0
import fnmatch
import pathlib
import shutil


def get(conanfile, url, sha256, strip_root):
    conanfile.source_folder = conanfile.upstream


def copy(conanfile, pattern, src, dst):
    for path in sorted(pathlib.Path(src).rglob("*")):
        if path.is_file() and fnmatch.fnmatch(path.relative_to(src).as_posix(), pattern):
            to = pathlib.Path(dst) / path.relative_to(src)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
