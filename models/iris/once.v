(* SPDX-License-Identifier: BSL-1.0

   G2 as a closed theorem, about all executions of a whole program and without assumptions. The program's callback counts its runs.
   Two threads cancel at once. Then all memory is freed, also that of the callback. *)
From iris.base_logic.lib Require Import mono_nat.
From iris.heap_lang Require Import proofmode notation adequacy.
From iris.heap_lang.lib Require Import par.
From cts Require Import registry.
From iris.prelude Require Import options.

Definition once : expr :=
  let: "runs" := ref #0 in
  let: "c" := ref (λ: <>, "runs" <- !"runs" + #1) in
  let: "r" := new_registry #1 in
  let: "entered" := try_register "r" #0 "c" in
  let: "won" := cancel "r" ||| cancel "r" in
  (if: "entered" = registered then
     if: Fst "won" then #() else if: Snd "won" then #() else unregister_and_wait "r" #0 "c";; #()
   else #());;
  dispose "r";;
  Free "c";;
  ("entered", ("won", !"runs")).

(* The callback never runs twice, two cancels never win, and if it was registered and a cancel won it runs once. *)
Definition right (v : val) : Prop :=
  ∃ (e : val) (a b : bool) (n : Z), v = (e, ((#a, #b), #n))%V ∧ (n = 0 ∨ n = 1) ∧ (a && b = false) ∧
    (e = registered → a || b = true → n = 1).

Section proof.
  Context `{!heapGS Σ, !registryG Σ, !spawnG Σ}.

  Lemma once_spec : {{{ True }}} once {{{ v, RET v; ⌜right v⌝ }}}.
  Proof using Type*.
    iIntros (Φ) "_ HΦ". rewrite /once.
    wp_alloc runs as "Hruns". wp_pures. wp_alloc c as "Hc". wp_pures.
    set (body := (λ: <>, #runs <- !#runs + #1)%V).
    set (before := λ c' : loc, (⌜c' = c⌝ ∗ c ↦ body ∗ runs ↦ #0)%I : iProp Σ).
    set (after := λ c' : loc, (c ↦ body ∗ runs ↦ #1)%I : iProp Σ).
    wp_apply (new_registry_spec before after 1); [lia| |].
    { iIntros "!>" (c') "(-> & Hc & Hruns)". wp_load. wp_lam. wp_load. wp_store. by iFrame. }
    iIntros (γ r) "(#Hreg & Hown & %Hlen)". wp_pures.
    wp_apply (G4_one_side before after _ _ _ 0 with "[$Hreg $Hown $Hc $Hruns]"); [lia|done|].
    iIntros (w) "[Hown Hw]". wp_pures.
    iDestruct "Hown" as "[Hown1 Hown2]".
    set (out := λ v : val, (∃ won : bool, ⌜v = #won⌝ ∗ handle γ (1/2) ∗
      if won then winner γ ∗ finished γ else True)%I : iProp Σ).
    wp_apply (wp_par out out with "[Hown1] [Hown2]").
    { wp_apply (cancel_spec with "[$Hreg $Hown1]"). iIntros (won) "(Hown & _ & Hwon)". iExists won. by iFrame. }
    { wp_apply (cancel_spec with "[$Hreg $Hown2]"). iIntros (won) "(Hown & _ & Hwon)". iExists won. by iFrame. }
    iIntros (v1 v2) "[(%a & -> & Hown1 & Ha) (%b & -> & Hown2 & Hb)]".
    iCombine "Hown1 Hown2" as "Hown". iNext.
    iAssert (|={⊤}=> ⌜a && b = false⌝ ∗ handle γ 1 ∗ if a || b then finished γ else True)%I with "[Hown Ha Hb]" as ">(%Hab & Hown & Hfin)".
    { destruct a, b; simpl.
      - iDestruct "Ha" as "[Ha _]". iDestruct "Hb" as "[Hb _]".
        iMod (G1_one_winner before after with "Hreg Hown Ha Hb") as %[]. lia.
      - iDestruct "Ha" as "[_ $]". by iFrame.
      - iDestruct "Hb" as "[_ $]". by iFrame.
      - by iFrame. }
    iAssert (|={⊤}=> handle γ 1 ∗ ▷ (
      (⌜w = registered ∧ a || b = true⌝ ∗ c ↦ body ∗ runs ↦ #1) ∨
      (⌜w = registered ∧ a || b = false⌝ ∗ registration γ 0 c) ∨
      (⌜w = canceled ∨ w = again⌝ ∗ c ↦ body ∗ runs ↦ #0)))%I with "[Hown Hw Hfin]" as ">[Hown Hw]".
    { iDestruct "Hw" as "[(-> & Hr)|[(-> & (_ & Hb) & _)|(-> & (_ & Hb))]]".
      - destruct (a || b).
        + iMod (G3_never_lost before after with "Hreg Hown Hfin Hr") as "[$ Hafter]". iModIntro. iNext. iLeft. by iFrame.
        + iModIntro. iFrame. iNext. iRight. iLeft. by iFrame.
      - iModIntro. iFrame "Hown". iNext. iRight. iRight. iFrame. by iLeft.
      - iModIntro. iFrame "Hown". iNext. iRight. iRight. iFrame. by iRight. }
    iAssert (∀ n : Z, ⌜(n = 0 ∨ n = 1) ∧ (w = registered → a || b = true → n = 1)⌝ -∗
      handle γ 1 -∗ c ↦ body -∗ runs ↦ #n -∗
      WP dispose r;; Free #c;; (w, ((#a, #b)%V, !#runs)) {{ Φ }})%I with "[HΦ]" as "Hend".
    { iIntros (n [Hn Hran]) "Hown Hc Hruns".
      wp_apply (G12_dispose_last before after with "[$Hreg $Hown]"). iIntros (ws) "_". wp_pures.
      wp_free. wp_pures. wp_load. wp_pures. iApply "HΦ". iPureIntro.
      exists w, a, b, n. done. }
    iDestruct "Hw" as "[(>[-> %Hwon] & Hc & Hruns)|[(>[-> %Hwon] & Hr)|(>%Hw & Hc & Hruns)]]".
    - wp_pures. destruct a; [|destruct b; [|done]]; wp_pures;
        iApply ("Hend" $! 1%Z with "[] Hown Hc Hruns"); eauto.
    - destruct a; [done|]. destruct b; [done|]. wp_pures.
      wp_apply (G6_waiter_sees before after with "[$Hreg $Hown $Hr]"). iIntros (ok) "[Hown Hok]". wp_pures.
      destruct ok.
      + iDestruct "Hok" as "(_ & Hc & Hruns)". iApply ("Hend" $! 0%Z with "[] Hown Hc Hruns"). iPureIntro. split; [by left|done].
      + iDestruct "Hok" as "(Hc & Hruns)". iApply ("Hend" $! 1%Z with "[] Hown Hc Hruns"). iPureIntro. split; [by right|done].
    - destruct Hw as [-> | ->]; wp_pures;
        iApply ("Hend" $! 0%Z with "[] Hown Hc Hruns"); iPureIntro; (split; [by left|done]).
  Qed.
End proof.

(* No execution goes wrong (touches freed memory, or waits in vain at a value that is not there), and all that end, end right. *)
Theorem G2_at_most_once σ : adequate NotStuck once σ (λ v _, right v).
Proof.
  eapply (heap_adequacy #[heapΣ; registryΣ; spawnΣ]). iIntros (?) "_". wp_apply once_spec; [done|]. by iIntros (v Hv).
Qed.
