# SPDX-License-Identifier: BSL-1.0
"""As much of Conan 2's names as the recipe uses."""
import collections


class _Info:
    def __init__(self):
        self.properties = {}
        self.components = collections.defaultdict(_Info)

    def set_property(self, name, value):
        self.properties[name] = value

    def clear(self):
        pass


class ConanFile:
    def __init__(self):
        self.cpp_info = _Info()
        self.info = _Info()
