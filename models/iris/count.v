(* SPDX-License-Identifier: BSL-1.0

   The count of references to a state, as theorems about a program in Iris' heap_lang: the last drop, and no other, gets the state and the
   memory of the count (G16). docs/proof.md says which line of the program stands for which line of core/include/cts/protocol/.

   A reference is a right: it holds a part of the state, `state q`, which its owner may read. Only a drop that returns true gets all of it. *)
From iris.algebra Require Import auth frac numbers.
From iris.bi.lib Require Import fractional.
From iris.base_logic.lib Require Import invariants.
From iris.heap_lang Require Import proofmode notation.
From iris.prelude Require Import options.

(** * The program *)

Definition new_count : val := λ: <>, ref #1.
Definition share : val := λ: "l", FAA "l" #1;; #().       (* refs_share *)
Definition drop : val := λ: "l", FAA "l" #(-1) = #1.      (* refs_drop; true: the caller destroys the state *)

(** * Invariants *)

(* How much of the state the references hold together, and how many they are. None: there is none, and never will be. *)
Definition countR : ucmra := authUR (optionUR (prodR fracR positiveR)).
Class countG Σ := CountG { count_inG : inG Σ countR }.
Local Existing Instance count_inG.
Definition countΣ : gFunctors := #[GFunctor countR].
Global Instance subG_countΣ {Σ} : subG countΣ Σ → countG Σ.
Proof. solve_inG. Qed.

Section count.
  Context `{!heapGS Σ, !countG Σ}.
  (* The state, or a part of it. *)
  Context (state : Qp → iProp Σ) `{!Fractional state}.
  Definition N : namespace := nroot .@ "count".

  (* What references that were dropped have left. *)
  Definition returned (q : Qp) : iProp Σ := ⌜q = 1%Qp⌝ ∨ ∃ r, ⌜(q + r = 1)%Qp⌝ ∗ state r.

  Definition count_inv (γ : gname) (l : loc) : iProp Σ :=
    (∃ (q : Qp) (n : positive), l ↦ #(Zpos n) ∗ own γ (● Some (q, n)) ∗ returned q) ∨ own γ (● None).
  Definition is_count (γ : gname) (l : loc) : iProp Σ := inv N (count_inv γ l).
  Definition reference (γ : gname) (q : Qp) : iProp Σ := own γ (◯ Some (q, 1%positive)) ∗ state q.

  Lemma no_reference γ (q : Qp) (n : positive) : own γ (● None) -∗ own γ (◯ Some (q, n)) -∗ False.
  Proof.
    iIntros "Ha Hf". iDestruct (own_valid_2 with "Ha Hf") as %[Hin _]%auth_both_valid_discrete.
    by apply option_included in Hin as [|(? & ? & _ & ? & _)].
  Qed.

  Lemma new_count_spec :
    {{{ state 1%Qp }}} new_count #() {{{ γ l, RET #l; is_count γ l ∗ reference γ 1%Qp }}}.
  Proof.
    iIntros (Φ) "Hstate HΦ". wp_lam. wp_alloc l as "Hl".
    iMod (own_alloc (● Some (1%Qp, 1%positive) ⋅ ◯ Some (1%Qp, 1%positive))) as (γ) "[Ha Hf]".
    { by apply auth_both_valid_discrete. }
    iMod (inv_alloc N _ (count_inv γ l) with "[Hl Ha]") as "#Hinv".
    { iNext. iLeft. iExists 1%Qp, 1%positive. iFrame. by iLeft. }
    iModIntro. iApply "HΦ". iFrame "∗#".
  Qed.

  Lemma share_spec γ l q :
    {{{ is_count γ l ∗ reference γ q }}} share #l {{{ RET #(); reference γ (q / 2)%Qp ∗ reference γ (q / 2)%Qp }}}.
  Proof using Type*.
    iIntros (Φ) "(#Hinv & Hf & Hstate) HΦ". wp_lam. wp_bind (FAA _ _).
    iInv N as "[(%p & %n & >Hl & >Ha & Hret)|>Hdead]"; last first.
    { iDestruct (no_reference with "Hdead Hf") as %[]. }
    wp_faa.
    iMod (own_update_2 _ _ _ (● Some (p, (n + 1)%positive) ⋅ ◯ Some (q, 2%positive)) with "Ha Hf") as "[Ha Hf]".
    { apply auth_update, option_local_update, prod_local_update_2, local_update_discrete.
      intros mz _ Heq. split; [done|]. destruct mz as [z|]; simpl in *; fold_leibniz; subst n; [|done].
      rewrite !pos_op_add. lia. }
    iModIntro. iSplitL "Hl Ha Hret".
    { iNext. iLeft. iExists p, (n + 1)%positive. iFrame. }
    wp_pures. iModIntro. iApply "HΦ".
    rewrite -{1 2}(Qp.div_2 q) (fractional (q / 2)%Qp (q / 2)%Qp).
    rewrite (_ : Some ((q / 2 + q / 2)%Qp, 2%positive) = Some ((q / 2)%Qp, 1%positive) ⋅ Some ((q / 2)%Qp, 1%positive)); [|done].
    rewrite auth_frag_op. iDestruct "Hf" as "[$ $]". iDestruct "Hstate" as "[$ $]".
  Qed.

  (* One drop is the last one: it has the whole state, and the memory of the count. *)
  Theorem G16_last_drop γ l q :
    {{{ is_count γ l ∗ reference γ q }}}
      drop #l
    {{{ (last : bool), RET #last; if last then l ↦ #0 ∗ state 1%Qp else True }}}.
  Proof using Type*.
    iIntros (Φ) "(#Hinv & Hf & Hstate) HΦ". wp_lam. wp_bind (FAA _ _).
    iInv N as "[(%p & %n & >Hl & >Ha & Hret)|>Hdead]"; last first.
    { iDestruct (no_reference with "Hdead Hf") as %[]. }
    wp_faa.
    iDestruct (own_valid_2 with "Ha Hf") as %[Hin _]%auth_both_valid_discrete.
    apply Some_included in Hin as [Heq|Hin].
    - destruct Heq as [Hq Hn]. simpl in Hq, Hn. fold_leibniz. subst p n.
      iMod (own_update_2 _ _ _ (● None) with "Ha Hf") as "Ha".
      { apply auth_update_dealloc. etrans; [|apply (cancel_local_update_unit (Some (q, 1%positive)) None)]. by rewrite right_id. }
      iModIntro. iSplitL "Ha"; [by iRight|].
      wp_pures. iModIntro. iApply ("HΦ" $! true). iFrame "Hl".
      iDestruct "Hret" as "[->|(%r & %Hr & Hr)]"; [done|].
      rewrite -Hr fractional. iFrame.
    - apply prod_included in Hin as [[p' Hp] [n' Hn]]. simpl in Hp, Hn. fold_leibniz. subst p n.
      iMod (own_update_2 _ _ _ (● Some (p', n')) with "Ha Hf") as "Ha".
      { apply auth_update_dealloc. apply (cancel_local_update_unit (Some (q, 1%positive)) (Some (p', n'))). }
      iModIntro. iSplitL "Hl Ha Hret Hstate".
      { iNext. iLeft. iExists p', n'. iFrame "Ha". rewrite pos_op_add Pos2Z.inj_add.
        rewrite (_ : (1 + Z.pos n' + -1)%Z = Z.pos n'); [|lia]. iFrame "Hl". iRight.
        iDestruct "Hret" as "[%Hone|(%r & %Hr & Hr)]".
        - iExists q. iFrame. iPureIntro. rewrite -Hone frac_op. by rewrite (comm _ p' q).
        - iExists (q + r)%Qp. rewrite fractional. iFrame. iPureIntro. rewrite -Hr frac_op.
          by rewrite (assoc_L _ p' q r) (comm_L _ p' q). }
      wp_pures. rewrite bool_decide_eq_false_2; [|intros [= H]; rewrite pos_op_add in H; lia].
      iModIntro. by iApply ("HΦ" $! false).
  Qed.

  (* A thread that has the memory of the count knows that no reference is left. *)
  Theorem G16_none_left γ l q v : is_count γ l -∗ l ↦ v -∗ reference γ q ={⊤}=∗ False.
  Proof.
    iIntros "#Hinv Hl [Hf _]". iInv N as "[(%p & %n & >Hl' & _)|>Hdead]".
    - iDestruct (mapsto_ne with "Hl Hl'") as %Hne. done.
    - iDestruct (no_reference with "Hdead Hf") as %[].
  Qed.
End count.
