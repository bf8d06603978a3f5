(* SPDX-License-Identifier: BSL-1.0

   Prints what the theorems rest on. run.cmake expects "Closed under the global context" for each. *)
From cts Require Import registry once count lane home.

Print Assumptions G1_one_winner.
Print Assumptions G2_at_most_once.
Print Assumptions G3_never_lost.
Print Assumptions G4_one_side.
Print Assumptions G5_unregister_xor_ran.
Print Assumptions G6_waiter_sees.
Print Assumptions G10_flag_monotonic.
Print Assumptions G12_not_before_the_others.
Print Assumptions G12_dispose_last.
Print Assumptions G16_last_drop.
Print Assumptions G16_none_left.
Print Assumptions G22_one_side.
Print Assumptions G22_unregister_xor_ran.
Print Assumptions G22_not_registered.
Print Assumptions G22_waiter_sees.
Print Assumptions G22_cancel.
Print Assumptions G22_never_lost.
Print Assumptions G22_end_last.
Print Assumptions G22_lane.
Print Assumptions G22_at_home.
