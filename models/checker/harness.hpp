// SPDX-License-Identifier: BSL-1.0
/// @file
/// The one header for models: the platform that they run on, faults, plans, searches and the catalogue.
#pragma once

#include "catalogue.hpp"
#include "faults.hpp"
#include "plan.hpp"
#include "platform.hpp"
#include "reduction.hpp"
#include "run.hpp"
#include "schedulers.hpp"
