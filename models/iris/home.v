(* SPDX-License-Identifier: BSL-1.0

   A lane at home in a registry (G22), as a closed theorem about all executions of a whole program. The lane is one callback of registry.v's
   registry, so its canceller is the registry's cancel. The owner ends the lane while the cancel may be on its way: it unregisters the
   lane's callback and waits, and then frees the lane's memory. *)
From iris.heap_lang Require Import proofmode notation adequacy.
From iris.heap_lang.lib Require Import par.
From cts Require registry lane.
From iris.prelude Require Import options.

(** * The program *)

(* ~basic_lane() *)
Definition leave : val := λ: "r" "attached" "x" "l",
  (if: "attached" = registry.registered then registry.unregister_and_wait "r" #0 "x";; #() else #());;
  lane.end_lane "l".

Definition owner : val := λ: "r" "attached" "x" "l" "c",
  let: "registered" := lane.try_register "l" #0 "c" in
  leave "r" "attached" "x" "l";;
  Free "x";;
  Free "c";;
  "registered".

Definition at_home : expr :=
  let: "runs" := ref #0 in
  let: "c" := ref (λ: <>, "runs" <- !"runs" + #1) in
  let: "l" := lane.new_lane #1 in
  let: "x" := ref (λ: <>, lane.cancel "l") in              (* the callback that the lane is in its home *)
  let: "r" := registry.new_registry #1 in
  let: "attached" := registry.try_register "r" #0 "x" in    (* attach() *)
  let: "both" := registry.cancel "r" ||| owner "r" "attached" "x" "l" "c" in
  registry.dispose "r";;
  (Snd "both", !"runs").

(* A callback that was refused has not run. One that was registered has run once, or never if the lane ended first. *)
Definition right (v : val) : Prop :=
  ∃ (w : val) (n : Z), v = (w, #n)%V ∧ (w = lane.registered ∧ (n = 0 ∨ n = 1)%Z ∨ w = lane.canceled ∧ n = 0%Z).

Section proof.
  Context `{!heapGS Σ, !registry.registryG Σ, !lane.laneG Σ, !spawnG Σ}.

  Definition body (runs : loc) : val := λ: <>, #runs <- !#runs + #1.
  Definition lane_body (l : val) : val := λ: <>, lane.cancel l.

  Section names.
    Context (c runs x : loc) (γ : lane.lane_names) (l : val).
    Definition counted (n : Z) (c' : loc) : iProp Σ := ⌜c' = c⌝ ∗ c ↦ body runs ∗ runs ↦ #n.
    Notation is_lane := (lane.is_lane (counted 0) (counted 1) γ l).
    (* What the lane's callback needs, and what it leaves behind: half of the lane's handle, so that the lane lives. *)
    Definition unclosed (x' : loc) : iProp Σ := ⌜x' = x⌝ ∗ x ↦ lane_body l ∗ lane.handle γ (1/2) ∗ lane.canceller γ.
    Definition closed (x' : loc) : iProp Σ := ⌜x' = x⌝ ∗ x ↦ lane_body l ∗ lane.handle γ (1/2).

    Lemma counted_run c' : counted 0 c' -∗ WP (! #c') #() {{ _, counted 1 c' }}.
    Proof. iIntros "(-> & Hc & Hruns)". wp_load. wp_lam. wp_load. wp_store. by iFrame. Qed.

    Lemma lane_run x' : is_lane -∗ unclosed x' -∗ WP (! #x') #() {{ _, closed x' }}.
    Proof.
      iIntros "#Hl (-> & Hx & Hown & Hcanceller)". wp_load. wp_lam.
      wp_apply (lane.G22_cancel with "[$Hl $Hown $Hcanceller]"). iIntros "(Hown & _ & _)". by iFrame.
    Qed.

    Lemma leave_spec γr r (attached : val) q y :
      length (lane.slot_list γ) = 1 →
      {{{ is_lane ∗ registry.is_registry unclosed closed γr r ∗ registry.handle γr q ∗ lane.handle γ (1/2) ∗ lane.kept γ 0 y ∗
          (⌜attached = registry.registered⌝ ∗ registry.registration γr 0 x ∨
           ⌜attached = registry.canceled ∨ attached = registry.again⌝ ∗ unclosed x) }}}
        leave r attached #x l
      {{{ RET #(); registry.handle γr q ∗ x ↦ lane_body l ∗ lane.returned (counted 0) (counted 1) y }}}.
    Proof using Type*.
      iIntros (Hlen Φ) "(#Hl & #Hr & Hownr & Hown & Hy & Hattached) HΦ". wp_lam. wp_pures. wp_bind (if: _ then _ else _)%E.
      iApply (wp_wand _ _ _ (λ _, registry.handle γr q ∗ x ↦ lane_body l ∗ lane.handle γ (1/2))%I with "[Hownr Hattached]").
      { iDestruct "Hattached" as "[[-> Hreg]|[%Hattached (_ & Hx & Hown & _)]]"; last first.
        { destruct Hattached as [-> | ->]; wp_pures; by iFrame. }
        wp_pures. wp_apply (registry.G6_waiter_sees unclosed closed with "[$Hr $Hownr $Hreg]"). iIntros (ok) "[Hownr Hok]". wp_pures.
        destruct ok; [iDestruct "Hok" as "(_ & Hx & Hown & _)"|iDestruct "Hok" as "(_ & Hx & Hown)"]; by iFrame. }
      iIntros (v) "(Hownr & Hx & Hown')". iCombine "Hown Hown'" as "Hown". wp_pures.
      wp_apply (lane.G22_end_last (counted 0) (counted 1) _ _ [y] with "[$Hl $Hown Hy]"); [done|by iFrame|].
      iIntros "[Hy _]". iApply "HΦ". iFrame.
    Qed.

    Lemma owner_spec γr r (attached : val) q :
      length (lane.slot_list γ) = 1 →
      {{{ is_lane ∗ registry.is_registry unclosed closed γr r ∗ registry.handle γr q ∗ lane.handle γ (1/2) ∗ lane.free γ 0 ∗
          counted 0 c ∗
          (⌜attached = registry.registered⌝ ∗ registry.registration γr 0 x ∨
           ⌜attached = registry.canceled ∨ attached = registry.again⌝ ∗ unclosed x) }}}
        owner r attached #x l #c
      {{{ w, RET w; registry.handle γr q ∗ ∃ n : Z, runs ↦ #n ∗
          ⌜w = lane.registered ∧ (n = 0 ∨ n = 1)%Z ∨ w = lane.canceled ∧ n = 0%Z⌝ }}}.
    Proof using Type*.
      iIntros (Hlen Φ) "(#Hl & #Hr & Hownr & Hown & Hfree & Hc & Hattached) HΦ". wp_lam. wp_pures.
      wp_apply (lane.G22_one_side (counted 0) (counted 1) _ _ _ 0 with "[$Hl $Hown $Hc $Hfree]").
      iIntros (w) "[Hown [[-> Hreg]|(-> & Hc & Hfree & _)]]"; wp_pures.
      - wp_apply (leave_spec _ _ _ _ (Some c) with "[$Hl $Hr $Hownr $Hown $Hreg $Hattached]"); [done|]. iIntros "(Hownr & Hx & Hc)".
        wp_pures. wp_free. wp_pures. iDestruct "Hc" as "[(_ & Hc & Hruns)|(_ & Hc & Hruns)]"; wp_free; wp_pures; iModIntro;
          iApply "HΦ"; iFrame "Hownr"; iExists _; iFrame "Hruns"; iPureIntro; auto.
      - wp_apply (leave_spec _ _ _ _ None with "[$Hl $Hr $Hownr $Hown Hfree $Hattached]"); [done|by iApply lane.free_used|].
        iIntros "(Hownr & Hx & _)". wp_pures. wp_free. wp_pures. iDestruct "Hc" as "(_ & Hc & Hruns)". wp_free. wp_pures. iModIntro.
        iApply "HΦ". iFrame "Hownr". iExists _. iFrame "Hruns". iPureIntro. auto.
    Qed.
  End names.

  Lemma at_home_spec : {{{ True }}} at_home {{{ v, RET v; ⌜right v⌝ }}}.
  Proof using Type*.
    iIntros (Φ) "_ HΦ". rewrite /at_home.
    wp_alloc runs as "Hruns". wp_pures. wp_alloc c as "Hc". wp_pures.
    wp_apply (lane.new_lane_spec (counted c runs 0) (counted c runs 1) 1); [lia| |].
    { iIntros "!>" (c') "Hc". by iApply counted_run. }
    iIntros (γ l) "(#Hl & Hown & Hcanceller & %Hlen & Hfree)". wp_pures. wp_alloc x as "Hx". wp_pures.
    iDestruct "Hown" as "[Hown1 Hown2]".
    wp_apply (registry.new_registry_spec (unclosed x γ l) (closed x γ l) 1); [lia| |].
    { iIntros "!>" (x') "Hx". by iApply lane_run. }
    iIntros (γr r) "(#Hr & Hownr & %Hlenr)". wp_pures.
    wp_apply (registry.G4_one_side (unclosed x γ l) (closed x γ l) _ _ _ 0 with "[$Hr $Hownr $Hx $Hown1 $Hcanceller]"); [lia|done|].
    iIntros (attached) "[Hownr Hattached]". wp_pures. iDestruct "Hownr" as "[Hownr1 Hownr2]".
    wp_apply (wp_par (λ _, registry.handle γr (1/2))%I
      (λ w, registry.handle γr (1/2) ∗ ∃ n : Z, runs ↦ #n ∗ ⌜w = lane.registered ∧ (n = 0 ∨ n = 1)%Z ∨ w = lane.canceled ∧ n = 0%Z⌝)%I
      with "[Hownr1] [Hownr2 Hown2 Hfree Hc Hruns Hattached]").
    { wp_apply (registry.cancel_spec with "[$Hr $Hownr1]"). iIntros (won) "(Hownr & _)". iFrame "Hownr". }
    { wp_apply (owner_spec with "[$Hl $Hr $Hownr2 $Hown2 Hfree Hc Hruns Hattached]"); [done| |].
      - destruct (lane.slot_list γ) as [|g [|]]; try done. iDestruct "Hfree" as "[$ _]". iFrame "Hc Hruns". iSplit; [done|].
        iDestruct "Hattached" as "[[% H]|[(% & H & _)|[% H]]]"; [iLeft|iRight|iRight]; iFrame "H"; iPureIntro; auto.
      - iIntros (w) "H". iFrame "H". }
    iIntros (v w) "[Hownr1 (Hownr2 & %n & Hruns & %Hn)]". iCombine "Hownr1 Hownr2" as "Hownr". iNext. wp_pures.
    wp_apply (registry.G12_dispose_last with "[$Hr $Hownr]"). iIntros (ws) "_". wp_pures. wp_load. wp_pures. iModIntro. iApply "HΦ".
    iPureIntro. by exists w, n.
  Qed.
End proof.

(* No execution goes wrong (touches freed memory, or waits in vain at a value that is not there), and all that end, end right. *)
Theorem G22_at_home σ : adequate NotStuck at_home σ (λ v _, right v).
Proof.
  eapply (heap_adequacy #[heapΣ; registry.registryΣ; lane.laneΣ; spawnΣ]). iIntros (?) "_". wp_apply at_home_spec; [done|].
  by iIntros (v Hv).
Qed.
