// SPDX-License-Identifier: BSL-1.0
/// @file
/// Stands in for models/state/scene.hpp, so that models/shared/defects.cpp needs no Relacy.
#pragma once

#include "checker/defects.hpp"

#include "cts/protocol/memory_orders.hpp"
