# SPDX-License-Identifier: BSL-1.0
import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"


class CtsConan(ConanFile):
    name = "cts"
    description = "Cooperative cancellation on a model-checked lock-free core: .NET's CancellationTokenSource for C++20"
    license = "BSL-1.0"
    homepage = "https://example.invalid/cts"
    topics = ("cancellation", "lock-free", "concurrency", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def layout(self):
        basic_layout(self, src_folder="src")

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*", os.path.join(self.source_folder, "core", "include"), os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "cts")
        self.cpp_info.set_property("pkg_config_name", "cts")
        for component in ("core", "cts"):
            info = self.cpp_info.components[component]
            info.set_property("cmake_target_name", f"cts::{component}")
            info.bindirs = []
            info.libdirs = []
            if self.settings.os in ("Linux", "FreeBSD"):
                info.system_libs = ["pthread"]
        self.cpp_info.components["cts"].requires = ["core"]
