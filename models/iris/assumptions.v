(* SPDX-License-Identifier: BSL-1.0

   Prints what the theorems rest on, all at once, so that Coq walks through their proofs once. run.cmake reads their names here, one a
   line, and expects "Closed under the global context". *)
From cts Require Import registry once count lane home.

Definition theorems :=
  ( @G1_one_winner,
    @G2_at_most_once,
    @G3_never_lost,
    @G4_one_side,
    @G5_unregister_xor_ran,
    @G6_waiter_sees,
    @G10_flag_monotonic,
    @G12_not_before_the_others,
    @G12_dispose_last,
    @G16_last_drop,
    @G16_none_left,
    @G22_one_side,
    @G22_unregister_xor_ran,
    @G22_not_registered,
    @G22_waiter_sees,
    @G22_cancel,
    @G22_never_lost,
    @G22_end_last,
    @G22_lane,
    @G22_at_home ).

Print Assumptions theorems.
