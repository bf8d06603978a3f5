#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks every link of the site: check_links.py LINKCHECKER SETTINGS SITE.

For root, linkchecker becomes `nobody`, which may be shut out of the build folder. So it checks a copy that all may read.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

linkchecker, settings, site = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    copy = pathlib.Path(shutil.copytree(site, pathlib.Path(folder) / "site", copy_function=shutil.copyfile))
    done = subprocess.run([linkchecker, "-f", settings, "--no-status", (copy / "index.html").as_uri()], check=False)
sys.exit(done.returncode)
