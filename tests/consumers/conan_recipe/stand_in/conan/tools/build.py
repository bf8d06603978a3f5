# SPDX-License-Identifier: BSL-1.0
def check_min_cppstd(conanfile, standard):
    assert standard == 20
