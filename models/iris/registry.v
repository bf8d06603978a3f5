(* SPDX-License-Identifier: BSL-1.0

   The protocol of a slot and its guarantees, as theorems about a program in Iris' heap_lang. docs/proof.md says which line of the
   program stands for which line of core/include/cts/core/, and what is left out.

   A registration is a right. The registrant of callback c gives away `before c`, which a run of c needs and uses up. So
     - an unregister that returns true gives `before c` back: c has not run and never will (G5);
     - a waiter gets `after c`, which c leaves behind (G6);
     - c runs at most once, because `before c` is given away once (G2).
   Every operation needs a part of `handle`, and dispose needs all of it (G12). *)
From iris.base_logic.lib Require Import cancelable_invariants ghost_var mono_nat.
From iris.heap_lang Require Import proofmode notation.
From iris.prelude Require Import options.

(** * The program *)

(* The values of a slot. All four are unboxed, so that one compare-and-swap decides. *)
Notation dead := (InjRV #0).
Notation done := (InjRV #1).
Notation live c := (InjLV #c).
Notation running c := (InjRV #c).

Definition flag : val := λ: "r", Fst "r".
Definition slot : val := λ: "r" "i", Fst (Snd "r") +ₗ "i".
Definition slots : val := λ: "r", Snd (Snd "r").

Definition new_registry : val := λ: "n", (ref #false, (AllocN "n" dead, "n")).

Definition poll : val := λ: "r", !(flag "r").

(* The results of try_register. again: the slot was not free. *)
Definition again : val := #0.
Definition registered : val := #1.
Definition canceled : val := #2.

(* Registers c in slot i, which the caller has chosen. *)
Definition try_register : val := λ: "r" "i" "c",
  if: poll "r" then canceled                                (* top_find *)
  else if: CAS (slot "r" "i") dead (InjL "c") then          (* slot_publish *)
    if: poll "r" then                                       (* top_recheck *)
      if: CAS (slot "r" "i") (InjL "c") dead then canceled  (* slot_retract *)
      else registered
    else registered
  else again.

Definition unregister : val := λ: "r" "i" "c",
  CAS (slot "r" "i") (InjL "c") dead.                       (* slot_unregister *)

Definition wait : val := rec: "wait" "s" "c" :=
  if: !"s" = InjR "c" then "wait" "s" "c" else #().         (* slot_await *)

Definition unregister_and_wait : val := λ: "r" "i" "c",
  if: unregister "r" "i" "c" then #true else wait (slot "r" "i") "c";; #false.

(* live → running → done *)
Definition visit : val := λ: "s",
  match: !"s" with                                          (* slot_scan *)
    InjL "c" =>
      if: CAS "s" (InjL "c") (InjR "c") then                (* slot_take *)
        (!"c") #();; "s" <- done                            (* slot_done *)
      else #()
  | InjR <> => #()
  end.

Definition scan : val := rec: "scan" "r" "n" :=
  if: "n" = #0 then #() else visit (slot "r" ("n" - #1));; "scan" "r" ("n" - #1).

Definition cancel : val := λ: "r",
  if: CAS (flag "r") #false #true then scan "r" (slots "r");; #true else #false.  (* top_close *)

Definition free_slots : val := rec: "free" "r" "n" :=
  if: "n" = #0 then #() else Free (slot "r" ("n" - #1));; "free" "r" ("n" - #1).

Definition dispose : val := λ: "r", free_slots "r" (slots "r");; Free (flag "r").

(** * Invariants *)

Record slot_names := SlotNames {
  reg_name : gname;     (* the registration that the slot belongs to; the registrant holds one half *)
  scan_name : gname;    (* 0: the canceller has not passed the slot, 1: it has, 2: no callback of the slot runs any more *)
  seen_name : gname;    (* the callback that the canceller has read there, and the part of its handle that the run keeps *)
}.
Record registry_names := RegistryNames {
  handle_name : gname;
  closed_name : gname;  (* 1 once the flag is set *)
  slot_list : list slot_names;
}.

Class registryG Σ := RegistryG {
  registry_cinvG : cinvG Σ;
  registry_regG : ghost_varG Σ (loc * bool);
  registry_seenG : ghost_varG Σ (option (loc * Qp));
  registry_monoG : mono_natG Σ;
}.
Local Existing Instances registry_cinvG registry_regG registry_seenG registry_monoG.
Definition registryΣ : gFunctors :=
  #[cinvΣ; ghost_varΣ (loc * bool); ghost_varΣ (option (loc * Qp)); mono_natΣ].
Global Instance subG_registryΣ {Σ} : subG registryΣ Σ → registryG Σ.
Proof. solve_inG. Qed.

Section registry.
  Context `{!heapGS Σ, !registryG Σ}.
  (* What a run of a callback needs, and what it leaves behind. The user chooses both. *)
  Context (before after : loc → iProp Σ).
  Definition N : namespace := nroot .@ "registry".

  Implicit Types (γ : registry_names) (g : slot_names) (c f s : loc) (i n : nat) (q : Qp).

  (* A registration is confirmed once its registrant has read the flag as clear after publishing it. The central invariant: in a
     slot that the canceller has passed no confirmed registration is live, and in a slot where it has read a callback a confirmed
     registration is of this callback. *)
  Definition slot_inv γ s g : iProp Σ :=
    ∃ c (confirmed : bool) (passed : nat) (seen : option (loc * Qp)),
      ghost_var (reg_name g) (1/2) (c, confirmed) ∗
      mono_nat_auth_own (scan_name g) (1/2) passed ∗
      ghost_var (seen_name g) (1/2) seen ∗
      ( s ↦ dead ∗ ghost_var (reg_name g) (1/2) (c, confirmed)
      ∨ s ↦ live c ∗ before c ∗
          ⌜confirmed = true → passed = 0 ∧ ∀ c' q, seen = Some (c', q) → c' = c⌝
      ∨ s ↦{# 1/2} running c ∗ ⌜passed = 1⌝ ∗ (∃ q, ⌜seen = Some (c, q)⌝ ∗ cinv_own (handle_name γ) q)
      ∨ s ↦ done ∗ ⌜1 ≤ passed⌝ ∗ (after c ∨ ghost_var (reg_name g) (1/2) (c, confirmed))).

  (* The canceller's half of a slot's ghost state. *)
  Definition scanner g (passed : nat) (seen : option (loc * Qp)) : iProp Σ :=
    mono_nat_auth_own (scan_name g) (1/2) passed ∗ ghost_var (seen_name g) (1/2) seen.

  Definition registry_inv γ f s : iProp Σ :=
    ∃ b : bool, f ↦ #b ∗
      mono_nat_auth_own (closed_name γ) 1 (if b then 1 else 0) ∗
      (if b then True else [∗ list] g ∈ slot_list γ, scanner g 0 None) ∗
      [∗ list] i ↦ g ∈ slot_list γ, slot_inv γ (s +ₗ i) g.

  Definition reg γ f s : val := (#f, (#s, #(length (slot_list γ)))).

  Definition is_registry γ (r : val) : iProp Σ :=
    ∃ f s, ⌜r = reg γ f s⌝ ∗ cinv N (handle_name γ) (registry_inv γ f s) ∗
      □ (∀ c, before c -∗ WP (! #c) #() {{ _, after c }}).

  (* The right to use the registry. *)
  Definition handle γ q : iProp Σ := cinv_own (handle_name γ) q.

  (* The registration of c in slot i. *)
  Definition registration γ i c : iProp Σ :=
    ∃ g, ⌜slot_list γ !! i = Some g⌝ ∗ ghost_var (reg_name g) (1/2) (c, true).

  (* The canceller has taken the callback in slot i. *)
  Definition taken γ i : iProp Σ :=
    ∃ g, ⌜slot_list γ !! i = Some g⌝ ∗ mono_nat_lb_own (scan_name g) 1.

  (* Known to a thread that has read the flag as set, was refused, or has canceled. *)
  Definition is_canceled γ : iProp Σ := mono_nat_lb_own (closed_name γ) 1.

  (* The callbacks have run. *)
  Definition finished γ : iProp Σ := [∗ list] g ∈ slot_list γ, mono_nat_lb_own (scan_name g) 2.

  (* Held by the cancel that won. *)
  Definition winner γ : iProp Σ := [∗ list] g ∈ slot_list γ, ∃ o, scanner g 2 o.

  Global Instance is_registry_persistent γ r : Persistent (is_registry γ r).
  Proof. apply _. Qed.
  Global Instance is_canceled_persistent γ : Persistent (is_canceled γ).
  Proof. apply _. Qed.
  Global Instance taken_persistent γ i : Persistent (taken γ i).
  Proof. apply _. Qed.
  Global Instance finished_persistent γ : Persistent (finished γ).
  Proof. apply _. Qed.

  Lemma handle_split γ q1 q2 : handle γ (q1 + q2) ⊣⊢ handle γ q1 ∗ handle γ q2.
  Proof. apply cinv_own_fractional. Qed.

  (* No more than two halves exist. *)
  Lemma not_three_halves g (a : loc * bool) :
    ghost_var (reg_name g) (1/2) a -∗ ghost_var (reg_name g) (1/2) a -∗ ghost_var (reg_name g) (1/2) a -∗ False.
  Proof.
    iIntros "H1 H2 H3". iCombine "H1 H2" as "H".
    iDestruct (ghost_var_valid_2 with "H H3") as %[Hbad _]. by apply Qp.not_add_le_l in Hbad.
  Qed.

  (** ** Registries begin *)

  Lemma make_slots γh γc (s : loc) n :
    s ↦∗ replicate n dead ==∗
    ∃ gs, ⌜length gs = n⌝ ∗ ([∗ list] g ∈ gs, scanner g 0 None) ∗
      ∀ l', [∗ list] i ↦ g ∈ gs, slot_inv (RegistryNames γh γc l') (s +ₗ i) g.
  Proof.
    induction n as [|n IH]; iIntros "Hs".
    { iModIntro. iExists []. iSplit; [done|]. iSplit; [done|]. iIntros (?). done. }
    rewrite replicate_S_end array_app array_singleton replicate_length. iDestruct "Hs" as "[Hs Hn]".
    iMod (IH with "Hs") as (gs Hlen) "[Hsc Hin]".
    iMod (ghost_var_alloc (s, false)) as (γr) "[Hr1 Hr2]".
    iMod (mono_nat_own_alloc 0) as (γs) "[[Hs1 Hs2] _]".
    iMod (ghost_var_alloc (None : option (loc * Qp))) as (γo) "[Ho1 Ho2]".
    iModIntro. iExists (gs ++ [SlotNames γr γs γo]).
    iSplit; [iPureIntro; rewrite app_length /=; lia|].
    iSplitL "Hsc Hs1 Ho1".
    { iApply big_sepL_app. iFrame. done. }
    iIntros (l'). iApply big_sepL_app. iSplitL "Hin"; [by iApply "Hin"|].
    iApply big_sepL_singleton. rewrite Hlen Nat.add_0_r.
    iExists s, false, 0, None. iFrame. iLeft. iFrame.
  Qed.

  Lemma new_registry_spec n :
    0 < n →
    {{{ □ (∀ c, before c -∗ WP (! #c) #() {{ _, after c }}) }}}
      new_registry #n
    {{{ γ r, RET r; is_registry γ r ∗ handle γ 1 ∗ ⌜length (slot_list γ) = n⌝ }}}.
  Proof.
    iIntros (Hn Φ) "#Hrun HΦ". wp_lam.
    wp_apply wp_allocN; [lia|done|]. iIntros (s) "[Hs _]".
    wp_alloc f as "Hf".
    iMod (cinv_alloc_strong (λ _, True) ⊤ N) as (γh) "(_ & Hown & Hinv)"; [apply pred_infinite_True|].
    iMod (mono_nat_own_alloc 0) as (γc) "[Hc _]".
    iMod (make_slots γh γc s n with "[Hs]") as (gs Hlen) "[Hsc Hin]".
    { by rewrite Nat2Z.id. }
    set (γ := RegistryNames γh γc gs).
    iMod ("Hinv" $! (registry_inv γ f s) with "[Hf Hc Hsc Hin]") as "#Hinv".
    { iNext. iExists false. iFrame. iApply "Hin". }
    wp_pures. iApply ("HΦ" $! γ). iModIntro.
    iFrame. iSplit; [|done]. iExists f, s. rewrite /reg /= Hlen. iSplit; [done|]. iFrame "#".
  Qed.

  (** ** The steps *)

  Lemma poll_spec γ r q :
    {{{ is_registry γ r ∗ handle γ q }}}
      poll r
    {{{ b, RET #b; handle γ q ∗ (⌜b = true⌝ -∗ is_canceled γ) }}}.
  Proof.
    iIntros (Φ) "[#Hreg Hown] HΦ". iDestruct "Hreg" as (f s ->) "[Hinv _]".
    wp_lam. wp_lam. wp_pures.
    iMod (cinv_acc with "Hinv Hown") as "[(%b & >Hf & >Hc & Hrest) [Hown Hclose]]"; [done|].
    wp_load.
    iAssert (⌜b = true⌝ -∗ is_canceled γ)%I as "#Hcan".
    { iIntros (->). iApply (mono_nat_lb_own_get with "Hc"). }
    iMod ("Hclose" with "[Hf Hc Hrest]") as "_"; [iNext; iExists b; iFrame|].
    iModIntro. iApply "HΦ". iFrame "Hown Hcan".
  Qed.

  (* The flag never goes back. *)
  Theorem G10_flag_monotonic γ r q :
    {{{ is_registry γ r ∗ handle γ q ∗ is_canceled γ }}}
      poll r
    {{{ RET #true; handle γ q }}}.
  Proof.
    iIntros (Φ) "(#Hreg & Hown & #Hcan) HΦ". iDestruct "Hreg" as (f s ->) "[Hinv _]".
    wp_lam. wp_lam. wp_pures.
    iMod (cinv_acc with "Hinv Hown") as "[(%b & >Hf & >Hc & Hrest) [Hown Hclose]]"; [done|].
    wp_load.
    iDestruct (mono_nat_lb_own_valid with "Hc Hcan") as %[_ Hb].
    destruct b; [|lia].
    iMod ("Hclose" with "[Hf Hc Hrest]") as "_"; [iNext; iExists true; iFrame|].
    iModIntro. by iApply "HΦ".
  Qed.

  (* top_recheck. At the same instant the registration becomes confirmed. *)
  Lemma recheck_spec γ r q i g c :
    slot_list γ !! i = Some g →
    {{{ is_registry γ r ∗ handle γ q ∗ ghost_var (reg_name g) (1/2) (c, false) }}}
      poll r
    {{{ b, RET #b; handle γ q ∗
        if b : bool then is_canceled γ ∗ ghost_var (reg_name g) (1/2) (c, false)
        else ghost_var (reg_name g) (1/2) (c, true) }}}.
  Proof.
    iIntros (Hg Φ) "(#Hreg & Hown & Hr) HΦ". iDestruct "Hreg" as (f s ->) "[Hinv _]".
    wp_lam. wp_lam. wp_pures.
    iMod (cinv_acc with "Hinv Hown") as "[(%b & >Hf & >Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    wp_load. destruct b.
    { iDestruct (mono_nat_lb_own_get with "Hc") as "#Hcan".
      iMod ("Hclose" with "[Hf Hc Hs]") as "_"; [iNext; iExists true; iFrame|].
      iModIntro. iApply ("HΦ" $! true). iFrame. done. }
    iDestruct (big_sepL_lookup_acc with "Hsc") as "[[Hp Ho] Hsc]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (c' conf p o) "(Hr' & Hp' & Ho' & Hi)".
    iDestruct (ghost_var_agree with "Hr Hr'") as %[= <- <-].
    iDestruct (mono_nat_auth_own_agree with "Hp Hp'") as %[_ <-].
    iDestruct (ghost_var_agree with "Ho Ho'") as %<-.
    iMod (ghost_var_update_halves (c, true) with "Hr Hr'") as "[Hr Hr']".
    iAssert (slot_inv γ (s +ₗ i) g) with "[Hr' Hp' Ho' Hi]" as "Hi".
    { iDestruct "Hi" as "[[_ Hbad]|[(Hs & Hb & _)|[(_ & %Hbad & _)|(_ & %Hbad & _)]]]"; [|..|lia|lia].
      { iDestruct (ghost_var_valid_2 with "Hr' Hbad") as %[_ [=]]. }
      iExists c, true, 0, None. iFrame "Hr' Hp' Ho'". iRight. iLeft. iFrame.
      iPureIntro. split; [done|]. intros ?? [=]. }
    iMod ("Hclose" with "[Hf Hc Hsc Hp Ho Hs Hi]") as "_".
    { iNext. iExists false. iFrame. iSplitL "Hsc Hp Ho"; [iApply "Hsc"; iFrame|]. by iApply "Hs". }
    iModIntro. iApply ("HΦ" $! false). iFrame.
  Qed.

  (* slot_publish *)
  Lemma publish_spec γ f s q i g c :
    slot_list γ !! i = Some g →
    {{{ cinv N (handle_name γ) (registry_inv γ f s) ∗ handle γ q ∗ before c }}}
      CmpXchg #(s +ₗ i) dead (live c)
    {{{ w (ok : bool), RET (w, #ok); handle γ q ∗
        if ok then ghost_var (reg_name g) (1/2) (c, false) else before c }}}.
  Proof.
    iIntros (Hg Φ) "(#Hinv & Hown & Hb) HΦ".
    iMod (cinv_acc with "Hinv Hown") as "[(%b & Hf & Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (c' conf p o) "(Hr & Hp & Ho & Hi)".
    iDestruct "Hi" as "[[>Hsl >Hr']|[(>Hsl & Hb' & Hpure)|[(>Hsl & Hrest)|(>Hsl & Hrest)]]]".
    - wp_cmpxchg_suc.
      iMod (ghost_var_update_halves (c, false) with "Hr Hr'") as "[Hr Hr']".
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hp Ho Hsl Hb]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, false, p, o. iFrame "Hr Hp Ho".
        iRight. iLeft. iFrame. by iIntros (?). }
      iModIntro. iApply ("HΦ" $! _ true). iFrame.
    - wp_cmpxchg_fail.
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hp Ho Hsl Hb' Hpure]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c', conf, p, o. iFrame "Hr Hp Ho". iRight. iLeft. iFrame. }
      iModIntro. iApply ("HΦ" $! _ false). iFrame.
    - wp_cmpxchg_fail.
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hp Ho Hsl Hrest]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c', conf, p, o. iFrame "Hr Hp Ho". iRight. iRight. iLeft. iFrame. }
      iModIntro. iApply ("HΦ" $! _ false). iFrame.
    - wp_cmpxchg_fail.
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hp Ho Hsl Hrest]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c', conf, p, o. iFrame "Hr Hp Ho". iRight. iRight. iRight. iFrame. }
      iModIntro. iApply ("HΦ" $! _ false). iFrame.
  Qed.

  (* slot_retract, slot_unregister: live → dead. Fails if the canceller is known to have passed. *)
  Lemma retire_spec γ f s q i g c confirmed (late : bool) :
    slot_list γ !! i = Some g →
    {{{ cinv N (handle_name γ) (registry_inv γ f s) ∗ handle γ q ∗ ghost_var (reg_name g) (1/2) (c, confirmed) ∗
        if late then taken γ i else True }}}
      CmpXchg #(s +ₗ i) (live c) dead
    {{{ w (ok : bool), RET (w, #ok); handle γ q ∗
        if ok then before c ∗ ⌜confirmed && late = false⌝
        else ghost_var (reg_name g) (1/2) (c, true) ∗ taken γ i }}}.
  Proof.
    iIntros (Hg Φ) "(#Hinv & Hown & Hr & Hlate) HΦ".
    iMod (cinv_acc with "Hinv Hown") as "[(%b & Hf & Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (c' conf p o) "(>Hr' & >Hp & >Ho & Hi)".
    iDestruct (ghost_var_agree with "Hr Hr'") as %[= <- <-].
    iDestruct "Hi" as "[[_ >Hbad]|[(>Hsl & Hb & >%Hpure)|[(>Hsl & >%Hpass & Hrest)|(>Hsl & >%Hpass & Hrest)]]]".
    - iDestruct (not_three_halves with "Hr Hr' Hbad") as %[].
    - wp_cmpxchg_suc.
      iAssert ⌜confirmed && late = false⌝%I as %Hnot.
      { destruct confirmed, late; try done. iDestruct "Hlate" as (g' Hg') "Hlb". simplify_eq.
        iDestruct (mono_nat_lb_own_valid with "Hp Hlb") as %[_ Hle].
        destruct Hpure as [-> _]; [done|lia]. }
      iCombine "Hr Hr'" as "[Hr Hr']".
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hr' Hp Ho Hsl]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, confirmed, p, o. iFrame "Hr Hp Ho". iLeft. iFrame. }
      iModIntro. iApply ("HΦ" $! _ true). iFrame. done.
    - wp_cmpxchg_fail.
      subst p. iDestruct (mono_nat_lb_own_get with "Hp") as "#Htaken".
      iMod (ghost_var_update_halves (c, true) with "Hr Hr'") as "[Hr Hr']".
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr' Hp Ho Hsl Hrest]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, true, 1, o. iFrame "Hr' Hp Ho". iRight. iRight. iLeft. by iFrame. }
      iModIntro. iApply ("HΦ" $! _ false). iFrame. iExists g. iFrame "Htaken". done.
    - wp_cmpxchg_fail.
      iDestruct (mono_nat_lb_own_get with "Hp") as "#Htaken".
      iDestruct (mono_nat_lb_own_le 1 with "Htaken") as "#Htaken'"; [lia|].
      iDestruct "Hrest" as "[Hafter|Hbad]"; last first.
      { iDestruct (not_three_halves with "Hr Hr' Hbad") as %[]. }
      iMod (ghost_var_update_halves (c, true) with "Hr Hr'") as "[Hr Hr']".
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr' Hp Ho Hsl Hafter]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, true, p, o. iFrame "Hr' Hp Ho". iRight. iRight. iRight. by iFrame. }
      iModIntro. iApply ("HΦ" $! _ false). iFrame. iExists g. iFrame "Htaken'". done.
  Qed.

  (* A registration that races with cancel is on one side. It is registered; or it is refused, everything is given back, and the flag
     is set. *)
  Theorem G4_one_side γ r q i c :
    i < length (slot_list γ) →
    {{{ is_registry γ r ∗ handle γ q ∗ before c }}}
      try_register r #i #c
    {{{ w, RET w; handle γ q ∗
        ( ⌜w = registered⌝ ∗ registration γ i c
        ∨ ⌜w = canceled⌝ ∗ before c ∗ is_canceled γ
        ∨ ⌜w = again⌝ ∗ before c) }}}.
  Proof.
    iIntros (Hi Φ) "(#Hreg & Hown & Hbefore) HΦ".
    destruct (lookup_lt_is_Some_2 _ _ Hi) as [g Hg].
    wp_lam. wp_pures.
    wp_apply (poll_spec with "[$Hreg $Hown]"). iIntros (b) "[Hown Hcan]".
    destruct b; wp_pures.
    { iDestruct ("Hcan" with "[//]") as "#Hcan'". iModIntro. iApply "HΦ". iFrame "Hown". iRight. iLeft. by iFrame "#∗". }
    iAssert (is_registry γ r) as "#Hreg'"; [done|].
    iDestruct "Hreg" as (f s ->) "[Hinv _]".
    wp_lam. wp_pures.
    wp_apply (publish_spec with "[$Hinv $Hown $Hbefore]"); [done|]. iIntros (w ok) "[Hown Hok]".
    destruct ok; wp_pures; last first.
    { iModIntro. iApply "HΦ". iFrame "Hown". iRight. iRight. by iFrame. }
    wp_apply (recheck_spec with "[$Hreg' $Hown $Hok]"); [done|]. iIntros (b) "[Hown Hb]".
    destruct b; wp_pures; last first.
    { iModIntro. iApply "HΦ". iFrame "Hown". iLeft. iSplit; [done|]. iExists g. by iFrame. }
    iDestruct "Hb" as "[#Hcan' Hr]". wp_lam. wp_pures.
    wp_apply (retire_spec _ _ _ _ _ _ _ _ false with "[$Hinv $Hown $Hr]"); [done|].
    iIntros (w' ok) "[Hown Hok]". destruct ok; wp_pures; iModIntro; iApply "HΦ"; iFrame "Hown".
    - iRight. iLeft. iDestruct "Hok" as "[Hb _]". by iFrame "#∗".
    - iDestruct "Hok" as "[Hr _]". iLeft. iSplit; [done|]. iExists g. by iFrame.
  Qed.

  (* True: the callback has not run and never will, and what it needed is given back. *)
  Theorem G5_unregister_xor_ran γ r q i c :
    {{{ is_registry γ r ∗ handle γ q ∗ registration γ i c }}}
      unregister r #i #c
    {{{ (ok : bool), RET #ok; handle γ q ∗ if ok then before c else registration γ i c ∗ taken γ i }}}.
  Proof.
    iIntros (Φ) "(#Hreg & Hown & Hr) HΦ". iDestruct "Hr" as (g Hg) "Hr".
    iDestruct "Hreg" as (f s ->) "[Hinv _]".
    wp_lam. wp_pures. wp_lam. wp_pures.
    wp_apply (retire_spec _ _ _ _ _ _ _ _ false with "[$Hinv $Hown $Hr]"); [done|].
    iIntros (w ok) "[Hown Hok]". wp_pures. iModIntro. iApply "HΦ". iFrame. destruct ok.
    - by iDestruct "Hok" as "[$ _]".
    - iDestruct "Hok" as "[Hr $]". iExists g. by iFrame.
  Qed.

  Lemma wait_spec γ f s q i c :
    {{{ cinv N (handle_name γ) (registry_inv γ f s) ∗ handle γ q ∗ registration γ i c ∗ taken γ i }}}
      wait #(s +ₗ i) #c
    {{{ RET #(); handle γ q ∗ after c }}}.
  Proof.
    iIntros (Φ) "(#Hinv & Hown & Hr & #Htaken) HΦ".
    iDestruct "Hr" as (g Hg) "Hr". iDestruct "Htaken" as (g' Hg') "Hlb". simplify_eq.
    iLöb as "IH". wp_lam. wp_pures. wp_bind (!_)%E.
    iMod (cinv_acc with "Hinv Hown") as "[(%b & Hf & Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (c' conf p o) "(>Hr' & >Hp & >Ho & Hi)".
    iDestruct (ghost_var_agree with "Hr Hr'") as %[= <- <-].
    iDestruct (mono_nat_lb_own_valid with "Hp Hlb") as %[_ Hle].
    iDestruct "Hi" as "[[_ >Hbad]|[(_ & _ & >%Hpure)|[(>Hsl & >%Hpass & Hrest)|(>Hsl & >%Hpass & Hrest)]]]".
    - iDestruct (not_three_halves with "Hr Hr' Hbad") as %[].
    - destruct Hpure as [-> _]; [done|lia].
    - wp_load.
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr' Hp Ho Hsl Hrest]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, true, p, o. iFrame "Hr' Hp Ho". iRight. iRight. iLeft. by iFrame. }
      iModIntro. wp_pures. rewrite bool_decide_true; [|done]. wp_pures.
      iApply ("IH" with "Hown Hr [HΦ]"). by iNext.
    - wp_load.
      iDestruct "Hrest" as "[Hafter|Hbad]"; last first.
      { iDestruct (not_three_halves with "Hr Hr' Hbad") as %[]. }
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hr' Hp Ho Hsl]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, true, p, o. iFrame "Hr' Hp Ho". iRight. iRight. iRight. by iFrame. }
      iModIntro. wp_pures. iModIntro. iApply "HΦ". by iFrame.
  Qed.

  (* A waiter sees what the callback left behind, and the callback does not run any more: the waiter holds its `after`. *)
  Theorem G6_waiter_sees γ r q i c :
    {{{ is_registry γ r ∗ handle γ q ∗ registration γ i c }}}
      unregister_and_wait r #i #c
    {{{ (ok : bool), RET #ok; handle γ q ∗ if ok then before c else after c }}}.
  Proof.
    iIntros (Φ) "(#Hreg & Hown & Hr) HΦ". wp_lam. wp_pures.
    wp_apply (G5_unregister_xor_ran with "[$Hreg $Hown $Hr]"). iIntros (ok) "[Hown Hok]".
    destruct ok; wp_pures.
    { iModIntro. iApply "HΦ". by iFrame. }
    iDestruct "Hok" as "[Hr #Htaken]". iDestruct "Hreg" as (f s ->) "[Hinv _]".
    wp_lam. wp_pures.
    wp_apply (wait_spec with "[$Hinv $Hown $Hr $Htaken]"). iIntros "[Hown Hafter]".
    wp_pures. iModIntro. iApply "HΦ". by iFrame.
  Qed.

  (* Once a cancel has returned, each registered callback has run. What it leaves behind can be fetched without a step of the
     program, so without waiting. *)
  Theorem G3_never_lost γ r q i c :
    is_registry γ r -∗ handle γ q -∗ finished γ -∗ registration γ i c ={⊤}=∗ handle γ q ∗ ▷ after c.
  Proof.
    iIntros "#Hreg Hown #Hfin Hr". iDestruct "Hr" as (g Hg) "Hr". iDestruct "Hreg" as (f s ->) "[Hinv _]".
    iDestruct (big_sepL_lookup with "Hfin") as "Hlb"; [done|].
    iMod (cinv_acc with "Hinv Hown") as "[(%b & Hf & Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (c' conf p o) "(>Hr' & >Hp & >Ho & Hi)".
    iDestruct (ghost_var_agree with "Hr Hr'") as %[= <- <-].
    iDestruct (mono_nat_lb_own_valid with "Hp Hlb") as %[_ Hle].
    iDestruct "Hi" as "[[_ >Hbad]|[(_ & _ & >%Hpure)|[(_ & >%Hpass & _)|(>Hsl & >%Hpass & Hrest)]]]".
    - iDestruct (not_three_halves with "Hr Hr' Hbad") as %[].
    - destruct Hpure as [-> _]; [done|lia].
    - lia.
    - iDestruct "Hrest" as "[Hafter|>Hbad]"; last first.
      { iDestruct (not_three_halves with "Hr Hr' Hbad") as %[]. }
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hr' Hp Ho Hsl]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, true, p, o. iFrame "Hr' Hp Ho". iRight. iRight. iRight. by iFrame. }
      iModIntro. iFrame.
  Qed.

  (** ** Cancel *)

  Lemma pass g (p p' : nat) (o o' : option (loc * Qp)) :
    p ≤ p' →
    mono_nat_auth_own (scan_name g) (1/2) p -∗ mono_nat_auth_own (scan_name g) (1/2) p -∗
    ghost_var (seen_name g) (1/2) o -∗ ghost_var (seen_name g) (1/2) o ==∗
    scanner g p' o' ∗ scanner g p' o'.
  Proof.
    iIntros (Hle) "H1 H2 Ho1 Ho2". iCombine "H1 H2" as "H".
    iMod (mono_nat_own_update p' with "H") as "[[H1 H2] _]"; [done|].
    iMod (ghost_var_update_halves o' with "Ho1 Ho2") as "[Ho1 Ho2]".
    by iFrame.
  Qed.

  Lemma visit_spec γ r f s q i g :
    slot_list γ !! i = Some g →
    r = reg γ f s →
    {{{ is_registry γ r ∗ cinv N (handle_name γ) (registry_inv γ f s) ∗ handle γ q ∗ scanner g 0 None }}}
      visit #(s +ₗ i)
    {{{ RET #(); handle γ q ∗ ∃ o, scanner g 2 o }}}.
  Proof.
    iIntros (Hg -> Φ) "(#Hreg & #Hinv & Hown & [Hp Ho]) HΦ".
    iDestruct "Hreg" as (f' s' ?) "[_ #Hrun]".
    wp_lam. wp_bind (!_)%E.
    iMod (cinv_acc with "Hinv Hown") as "[(%b & Hf & Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (c conf p o) "(>Hr & >Hp' & >Ho' & Hi)".
    iDestruct (mono_nat_auth_own_agree with "Hp Hp'") as %[_ <-].
    iDestruct (ghost_var_agree with "Ho Ho'") as %<-.
    iDestruct "Hi" as "[[>Hsl >Hr']|[(>Hsl & Hb & >%Hpure)|[(_ & >%Hpass & _)|(_ & >%Hpass & _)]]]"; [..|lia|lia].
    { wp_load.
      iMod (pass _ _ 2 _ None with "Hp Hp' Ho Ho'") as "[Hmine [Hp Ho]]"; [lia|].
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hr' Hp Ho Hsl]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, conf, 2, None. iFrame "Hr Hp Ho". iLeft. iFrame. }
      iModIntro. wp_pures. iApply "HΦ". iFrame. by iExists None. }
    (* The canceller reads a callback. From now on each confirmed registration in this slot is of this callback. Half of the
       handle stays with the callback while it runs. *)
    wp_load. iDestruct "Hown" as "[Hown Hleft]".
    iMod (pass _ _ 0 _ (Some (c, (q / 2)%Qp)) with "Hp Hp' Ho Ho'") as "[[Hp Ho] [Hp' Ho']]"; [lia|].
    iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hb Hp' Ho' Hsl]") as "_".
    { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, conf, 0, (Some (c, (q / 2)%Qp)). iFrame "Hr Hp' Ho'". iRight. iLeft. iFrame.
      iPureIntro. intros _. split; [done|]. intros ?? [=]. done. }
    iModIntro. wp_pures. wp_bind (CmpXchg _ _ _). clear Hpure b conf.
    iMod (cinv_acc with "Hinv Hown") as "[(%b & Hf & Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (c' conf p o) "(>Hr & >Hp' & >Ho' & Hi)".
    iDestruct (mono_nat_auth_own_agree with "Hp Hp'") as %[_ <-].
    iDestruct (ghost_var_agree with "Ho Ho'") as %<-.
    iDestruct "Hi" as "[[>Hsl >Hr']|[(>Hsl & Hb & >%Hpure)|[(_ & >%Hpass & _)|(_ & >%Hpass & _)]]]"; [..|lia|lia].
    { (* It was unregistered meanwhile. *)
      wp_cmpxchg_fail.
      iMod (pass _ _ 2 _ None with "Hp Hp' Ho Ho'") as "[Hmine [Hp Ho]]"; [lia|].
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hr' Hp Ho Hsl]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c', conf, 2, None. iFrame "Hr Hp Ho". iLeft. iFrame. }
      iModIntro. wp_pures. iApply "HΦ". iCombine "Hown Hleft" as "$". by iExists None. }
    destruct (decide (c' = c)) as [->|Hne]; last first.
    { (* Another callback was registered meanwhile, too late to be confirmed. *)
      wp_cmpxchg_fail.
      iMod (pass _ _ 2 _ None with "Hp Hp' Ho Ho'") as "[Hmine [Hp Ho]]"; [lia|].
      iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hb Hp Ho Hsl]") as "_".
      { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c', conf, 2, None. iFrame "Hr Hp Ho". iRight. iLeft. iFrame.
        iPureIntro. intros Hconf. destruct (Hpure Hconf) as [_ Hsame]. by edestruct Hne; eapply eq_sym, Hsame. }
      iModIntro. wp_pures. iApply "HΦ". iCombine "Hown Hleft" as "$". by iExists None. }
    wp_cmpxchg_suc. iDestruct "Hsl" as "[Hsl Hmysl]".
    iMod (pass _ _ 1 _ (Some (c, (q / 2)%Qp)) with "Hp Hp' Ho Ho'") as "[[Hp Ho] [Hp' Ho']]"; [lia|].
    iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hp' Ho' Hsl Hleft]") as "_".
    { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, conf, 1, (Some (c, (q / 2)%Qp)). iFrame "Hr Hp' Ho'". iRight. iRight. iLeft. iFrame.
      iSplit; [done|]. iExists _. by iFrame. }
    iModIntro. wp_pures. clear Hpure b conf.
    wp_bind ((! _) #())%E. iApply (wp_wand with "[Hb]"); [by iApply "Hrun"|]. iIntros (v) "Hafter". wp_pures.
    iMod (cinv_acc with "Hinv Hown") as "[(%b & Hf & Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (c' conf p o) "(>Hr & >Hp' & >Ho' & Hi)".
    iDestruct (mono_nat_auth_own_agree with "Hp Hp'") as %[_ <-].
    iDestruct (ghost_var_agree with "Ho Ho'") as %<-.
    iDestruct "Hi" as "[[>Hsl _]|[(>Hsl & _)|[(>Hsl & _ & >(%q' & %Heq & Hleft))|(>Hsl & _)]]]";
      iDestruct (mapsto_agree with "Hsl Hmysl") as %[=]; subst.
    iCombine "Hsl Hmysl" as "Hsl". wp_store. injection Heq as <-.
    iMod (pass _ _ 2 _ None with "Hp Hp' Ho Ho'") as "[Hmine [Hp Ho]]"; [lia|].
    iMod ("Hclose" with "[Hf Hc Hsc Hs Hr Hp Ho Hsl Hafter]") as "_".
    { iNext. iExists b. iFrame "Hf Hc Hsc". iApply "Hs". iExists c, conf, 2, None. iFrame "Hr Hp Ho". iRight. iRight. iRight. iFrame.
      iPureIntro. lia. }
    iModIntro. iApply "HΦ". iCombine "Hown Hleft" as "$". by iExists None.
  Qed.

  Lemma scan_spec γ r f s q n :
    r = reg γ f s →
    n ≤ length (slot_list γ) →
    {{{ is_registry γ r ∗ cinv N (handle_name γ) (registry_inv γ f s) ∗ handle γ q ∗
        [∗ list] g ∈ take n (slot_list γ), scanner g 0 None }}}
      scan r #n
    {{{ RET #(); handle γ q ∗ [∗ list] g ∈ take n (slot_list γ), ∃ o, scanner g 2 o }}}.
  Proof.
    iIntros (Hr Hn Φ) "(#Hreg & #Hinv & Hown & Hsc) HΦ".
    iInduction n as [|n] "IH" forall (Hn Φ).
    { wp_lam. wp_pures. iModIntro. iApply "HΦ". by iFrame. }
    destruct (lookup_lt_is_Some_2 (slot_list γ) n) as [g Hg]; [lia|].
    rewrite (take_S_r _ _ _ Hg) big_sepL_snoc. iDestruct "Hsc" as "[Hsc Hg]".
    wp_lam. wp_pures. replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    subst r. wp_lam. wp_pures.
    wp_apply (visit_spec with "[$Hreg $Hinv $Hown $Hg]"); [done|done|]. iIntros "[Hown Hg]".
    wp_pures. replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    wp_apply ("IH" with "[] Hown Hsc"); [iPureIntro; lia|]. iIntros "[Hown Hsc]".
    iApply "HΦ". by iFrame.
  Qed.

  (* Returns true to one cancel only, after the callbacks have run. *)
  Lemma cancel_spec γ r q :
    {{{ is_registry γ r ∗ handle γ q }}}
      cancel r
    {{{ (won : bool), RET #won; handle γ q ∗ is_canceled γ ∗ if won then winner γ ∗ finished γ else True }}}.
  Proof.
    iIntros (Φ) "[#Hreg Hown] HΦ". iAssert (is_registry γ r) as "#Hreg'"; [done|].
    iDestruct "Hreg" as (f s ->) "[Hinv _]".
    wp_lam. wp_lam. wp_pures. wp_bind (CmpXchg _ _ _).
    iMod (cinv_acc with "Hinv Hown") as "[(%b & >Hf & >Hc & Hsc & Hs) [Hown Hclose]]"; [done|].
    destruct b.
    { wp_cmpxchg_fail. iDestruct (mono_nat_lb_own_get with "Hc") as "#Hcan".
      iMod ("Hclose" with "[Hf Hc Hs]") as "_"; [iNext; iExists true; iFrame|].
      iModIntro. wp_pures. iModIntro. iApply ("HΦ" $! false). by iFrame "#∗". }
    wp_cmpxchg_suc. iMod (mono_nat_own_update 1 with "Hc") as "[Hc #Hcan]"; [lia|].
    iMod ("Hclose" with "[Hf Hc Hs]") as "_"; [iNext; iExists true; iFrame|].
    iModIntro. wp_pures. wp_lam. wp_pures.
    wp_apply (scan_spec _ _ _ _ _ (length (slot_list γ)) with "[$Hreg' $Hinv $Hown Hsc]"); [done|done| |].
    { by rewrite firstn_all. }
    rewrite firstn_all. iIntros "[Hown Hsc]". wp_pures. iModIntro. iApply ("HΦ" $! true). iFrame "Hown Hcan".
    iAssert (finished γ) with "[#]" as "#Hfin"; [|by iFrame "#∗"].
    iApply (big_sepL_impl with "Hsc"). iIntros "!>" (k g Hk) "H". iDestruct "H" as (o) "[Hp _]".
    iApply (mono_nat_lb_own_get with "Hp").
  Qed.

  (* No two cancels win. *)
  Theorem G1_one_winner γ r q :
    0 < length (slot_list γ) →
    is_registry γ r -∗ handle γ q -∗ winner γ -∗ winner γ ={⊤}=∗ False.
  Proof.
    iIntros (Hlen) "#Hreg Hown H1 H2". iDestruct "Hreg" as (f s ->) "[Hinv _]".
    destruct (lookup_lt_is_Some_2 _ _ Hlen) as [g Hg].
    iDestruct (big_sepL_lookup with "H1") as (o1) "[H1 _]"; [done|].
    iDestruct (big_sepL_lookup with "H2") as (o2) "[H2 _]"; [done|].
    iMod (cinv_acc with "Hinv Hown") as "[(%b & _ & _ & _ & Hs) _]"; [done|].
    iDestruct (big_sepL_lookup with "Hs") as (c conf p o) "(_ & >H3 & _)"; [done|].
    iDestruct (mono_nat_auth_own_agree with "H1 H3") as %[_ <-].
    iCombine "H1 H2" as "H". iDestruct (mono_nat_auth_own_agree with "H H3") as %[Hbad _].
    by apply Qp.not_add_le_l in Hbad.
  Qed.

  (** ** Dispose comes last *)

  (* While one thread holds a part of the handle, no other thread holds all of it. *)
  Theorem G12_not_before_the_others γ q : handle γ 1 -∗ handle γ q -∗ False.
  Proof. iIntros "H1 H2". iApply (cinv_own_1_l with "H1 H2"). Qed.

  Lemma reclaim γ f s r :
    r = reg γ f s →
    cinv N (handle_name γ) (registry_inv γ f s) -∗ handle γ 1 ={⊤}=∗
    ▷ ∃ b : bool, f ↦ #b ∗ ∃ ws : list val, ⌜length ws = length (slot_list γ)⌝ ∗
      s ↦∗ ws ∗ [∗ list] w ∈ ws, ∀ c, ⌜w = live c⌝ -∗ before c.
  Proof.
    iIntros (->) "#Hinv Hown".
    iMod (cinv_acc_strong with "Hinv Hown") as "(HP & Hown & Hclose)"; [done|].
    iDestruct "HP" as (b) "(Hf & _ & _ & Hs)".
    iAssert (◇ (handle γ 1 ∗ ▷ ∃ ws : list val, ⌜length ws = length (slot_list γ)⌝ ∗
      s ↦∗ ws ∗ [∗ list] w ∈ ws, ∀ c, ⌜w = live c⌝ -∗ before c))%I with "[Hown Hs]" as ">[Hown Hs]".
    { generalize (slot_list γ) as gs. intros gs. iClear "Hinv".
      iInduction gs as [|g gs] "IH" using rev_ind.
      { iFrame. iModIntro. iNext. iExists []. rewrite array_nil. by auto. }
      rewrite big_sepL_snoc. iDestruct "Hs" as "[Hs Hi]".
      iMod ("IH" with "Hown Hs") as "[Hown Hs]".
      iAssert (◇ (handle γ 1 ∗ ▷ ∃ w, (s +ₗ length gs) ↦ w ∗ ∀ c, ⌜w = live c⌝ -∗ before c))%I
        with "[Hown Hi]" as ">[Hown Hi]".
      { iDestruct "Hi" as (c conf p o) "(_ & _ & _ & Hi)".
        iDestruct "Hi" as "[[Hsl _]|[(Hsl & Hb & _)|[(_ & _ & (%q & _ & >Hq))|(Hsl & _)]]]".
        - iModIntro. iFrame. iNext. iExists _. iFrame. by iIntros (? [=]).
        - iModIntro. iFrame "Hown". iNext. iExists _. iFrame. iIntros (? [= ->]). done.
        - iDestruct (G12_not_before_the_others with "Hown Hq") as %[].
        - iModIntro. iFrame. iNext. iExists _. iFrame. by iIntros (? [=]). }
      iModIntro. iFrame "Hown". iNext. iDestruct "Hs" as (ws Hlen) "[Hs Hws]". iDestruct "Hi" as (w) "[Hi Hw]".
      iExists (ws ++ [w]). rewrite !app_length Hlen. iSplit; [done|].
      rewrite array_app array_singleton Hlen big_sepL_snoc. iFrame. }
    iMod ("Hclose" $! (⊤ ∖ ↑N) with "[$Hown]") as "_".
    rewrite -union_difference_L; [|done]. iModIntro. iNext. iExists b. iFrame.
  Qed.

  Lemma free_slots_spec γ f s n (ws : list val) :
    length ws = n →
    {{{ s ↦∗ ws }}} free_slots (reg γ f s) #n {{{ RET #(); True }}}.
  Proof.
    iIntros (Hn Φ) "Hs HΦ". iInduction n as [|n] "IH" forall (ws Hn).
    { wp_lam. wp_pures. by iApply "HΦ". }
    destruct ws as [|w ws _] using rev_ind; [done|]. rewrite app_length /= in Hn.
    rewrite array_app array_singleton. iDestruct "Hs" as "[Hs Hw]".
    wp_lam. wp_pures. replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    wp_lam. wp_pures. replace (length ws) with n by lia. wp_free. wp_pures.
    replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    iApply ("IH" with "[] Hs HΦ"). iPureIntro. lia.
  Qed.

  (* With all of the handle, dispose frees the registry's memory and gives back what the callbacks that never ran needed. *)
  Theorem G12_dispose_last γ r :
    {{{ is_registry γ r ∗ handle γ 1 }}}
      dispose r
    {{{ (ws : list val), RET #(); [∗ list] w ∈ ws, ∀ c, ⌜w = live c⌝ -∗ before c }}}.
  Proof.
    iIntros (Φ) "[#Hreg Hown] HΦ". iDestruct "Hreg" as (f s ->) "[Hinv _]".
    iMod (reclaim with "Hinv Hown") as "H"; [done|].
    wp_lam. iDestruct "H" as (b) "(Hf & %ws & %Hlen & Hs & Hws)".
    wp_lam. wp_pures. wp_apply (free_slots_spec with "Hs"); [done|]. iIntros "_".
    wp_pures. wp_lam. wp_pures. wp_free. iModIntro. by iApply "HΦ".
  Qed.
End registry.
