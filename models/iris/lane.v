(* SPDX-License-Identifier: BSL-1.0

   A lane and its guarantees (G22), as theorems about a program in Iris' heap_lang. The names are those of
   core/include/cts/protocol/lane.hpp. docs/proof.md says which line of the program stands for which line of the code, and what is left
   out.

   The owner registers and unregisters with plain loads and stores. A compare-and-swap decides only once the lane is closed. A
   registration is a right, as in registry.v: the owner gives away `before c`, which a run of c needs and uses up, and gets back either
   `before c` or `after c`, which c leaves behind. *)
From iris.base_logic.lib Require Import cancelable_invariants ghost_var mono_nat.
From iris.heap_lang Require Import proofmode notation adequacy.
From iris.heap_lang.lib Require Import par.
From iris.prelude Require Import options.

(** * The program *)

(* The words of a lane l: the flag of its home, its state, and two words of each slot i. *)
Notation flag l := (Fst (Fst l%E)).
Notation state l := (Snd (Fst l%E)).
Notation word l i := (BinOp OffsetOp (Fst (Snd l%E)) i%E).
Notation fate l i := (BinOp OffsetOp (Fst (Snd (Snd l%E))) i%E).
Notation capacity l := (Snd (Snd (Snd l%E))).

(* The values of the state. *)
Notation opened := (#true).
Notation closed := (#false).
(* The values of a slot's fate. *)
Notation undecided := (#0).
Notation withdrawn := (#1).
Notation running := (#2).
Notation done := (#3).

Definition new_lane : val := λ: "n", ((ref #false, ref opened), (AllocN "n" #0, (AllocN "n" undecided, "n"))).

Definition decide : val := λ: "l" "i" "how", CAS (fate "l" "i") undecided "how".

(* The results of try_register. *)
Definition registered : val := #1.
Definition canceled : val := #2.

(* Registers c in slot i, which the owner has chosen. *)
Definition try_register : val := λ: "l" "i" "c",
  let: "now" := !(state "l") in                             (* lane_state_read *)
  if: !(flag "l") || ~ "now" then canceled
  else
    word "l" "i" <- "c";;                                   (* lane_publish *)
    if: !(state "l") then registered                        (* lane_state_read *)
    else if: decide "l" "i" withdrawn then canceled         (* lane_retract *)
    else registered.

(* The results of withdraw. *)
Definition succeeded : val := #1.
Definition too_late : val := #2.
Definition not_registered : val := #3.

Definition withdraw : val := λ: "l" "i" "c",
  if: !(word "l" "i") = "c" then                            (* lane_peek *)
    if: !(state "l") then                                   (* lane_state_read *)
      word "l" "i" <- #0;;                                  (* lane_withdraw *)
      if: !(state "l") then succeeded                       (* lane_state_read *)
      else if: decide "l" "i" withdrawn then succeeded      (* lane_unregister *)
      else word "l" "i" <- "c";; too_late                   (* lane_restore *)
    else if: decide "l" "i" withdrawn then succeeded else too_late
  else not_registered.

Definition unregister : val := λ: "l" "i" "c", withdraw "l" "i" "c" = succeeded.

Definition await_return : val := rec: "await" "l" "i" :=
  if: !(fate "l" "i") = running then "await" "l" "i" else #().  (* lane_await *)

(* True if c was withdrawn. *)
Definition unregister_and_wait : val := λ: "l" "i" "c",
  let: "w" := withdraw "l" "i" "c" in
  (if: "w" = too_late then await_return "l" "i" else #());;
  "w" = succeeded.

Definition visit : val := λ: "l" "i",
  let: "c" := !(word "l" "i") in                            (* lane_scan *)
  if: "c" = #0 then #()
  else if: decide "l" "i" running then                      (* lane_take *)
    (!"c") #();; fate "l" "i" <- done                       (* lane_done *)
  else #().

Definition walk : val := rec: "walk" "l" "n" :=
  if: "n" = #0 then #() else visit "l" ("n" - #1);; "walk" "l" ("n" - #1).

Definition close_and_run : val := λ: "l",
  state "l" <- closed;;                                     (* lane_state_set *)
  walk "l" (capacity "l").

(* The home sets its flag and comes to the lane. *)
Definition cancel : val := λ: "l", flag "l" <- #true;; close_and_run "l".

Definition free_slots : val := rec: "free" "l" "n" :=
  if: "n" = #0 then #() else Free (word "l" ("n" - #1));; Free (fate "l" ("n" - #1));; "free" "l" ("n" - #1).

(* The end of a lane that its home has removed. *)
Definition end_lane : val := λ: "l", free_slots "l" (capacity "l");; Free (state "l");; Free (flag "l").

(** * Invariants *)

(* What the owner knows of a slot. *)
Inductive status :=
  | Empty
  | Live (c : loc) (confirmed : bool)  (* not confirmed: in doubt until the owner has looked at the state *)
  | Spent.                             (* withdrawn in a closed lane *)
Global Instance status_inhabited : Inhabited status := populate Empty.

Record slot_names := SlotNames {
  status_name : gname;  (* the owner holds one half *)
  scan_name : gname;    (* 0: the canceller has not passed the slot, 1: it runs its callback, 2: it has passed *)
  seen_name : gname;    (* the callback that the canceller has read there, and the part of its handle that the run keeps *)
}.
Record lane_names := LaneNames {
  flag_at : loc;
  state_at : loc;
  words_at : loc;
  fates_at : loc;
  handle_name : gname;
  phase_name : gname;   (* 0: open, 1: the flag is set, 2: closed; the canceller holds one half *)
  slot_list : list slot_names;
}.

Class laneG Σ := LaneG {
  lane_cinvG : cinvG Σ;
  lane_statusG : ghost_varG Σ status;
  lane_seenG : ghost_varG Σ (option (loc * Qp));
  lane_monoG : mono_natG Σ;
}.
Local Existing Instances lane_cinvG lane_statusG lane_seenG lane_monoG.
Definition laneΣ : gFunctors := #[cinvΣ; ghost_varΣ status; ghost_varΣ (option (loc * Qp)); mono_natΣ].
Global Instance subG_laneΣ {Σ} : subG laneΣ Σ → laneG Σ.
Proof. solve_inG. Qed.

Section lane.
  Context `{!heapGS Σ, !laneG Σ}.
  (* What a run of a callback needs, and what it leaves behind. The user chooses both. *)
  Context (before after : loc → iProp Σ).
  Definition N : namespace := nroot .@ "lane".

  Implicit Types (γ : lane_names) (g : slot_names) (c : loc) (i n k : nat) (q : Qp) (o : option loc).

  Definition in_word o : val := match o with Some c => #c | None => #0 end.

  (* What an undecided slot looks like. A confirmed registration stands in its word, and the canceller has not passed it (L1). What the
     canceller has seen there is what the owner has put there. *)
  Definition undecided_ok (a : status) o (passed : nat) (seen : option (loc * Qp)) : Prop :=
    match a with
    | Empty => o = None ∧ seen = None
    | Live c confirmed =>
        (if confirmed then o = Some c ∧ passed = 0 else o = Some c ∨ o = None) ∧
        ∀ c' q, seen = Some (c', q) → c' = c
    | Spent => False
    end.
  Definition given (a : status) : iProp Σ := match a with Live c _ => before c | _ => True end.

  (* The canceller has taken c. Once c has returned, what it leaves behind lies here until the owner fetches it for its half of the
     status. *)
  Definition begun γ i g c (passed : nat) (seen : option (loc * Qp)) : iProp Σ :=
    (fates_at γ +ₗ i) ↦{# 1/2} running ∗ ⌜passed = 1⌝ ∗ (∃ q, ⌜seen = Some (c, q)⌝ ∗ cinv_own (handle_name γ) q) ∨
    (fates_at γ +ₗ i) ↦ done ∗ ⌜1 ≤ passed⌝ ∗ (after c ∨ ∃ a : status, ghost_var (status_name g) (1/2) a).

  Definition fate_inv γ i g (a : status) o (passed : nat) (seen : option (loc * Qp)) : iProp Σ :=
    (fates_at γ +ₗ i) ↦ undecided ∗ given a ∗ ⌜undecided_ok a o passed seen⌝ ∨
    (fates_at γ +ₗ i) ↦ withdrawn ∗ ⌜a = Spent⌝ ∨
    ∃ c confirmed, ⌜a = Live c confirmed⌝ ∗ begun γ i g c passed seen.

  Definition slot_inv γ i g : iProp Σ :=
    ∃ (a : status) o (passed : nat) (seen : option (loc * Qp)),
      (words_at γ +ₗ i) ↦{# 1/2} in_word o ∗
      ghost_var (status_name g) (1/2) a ∗
      mono_nat_auth_own (scan_name g) (1/2) passed ∗
      ghost_var (seen_name g) (1/2) seen ∗
      fate_inv γ i g a o passed seen.

  (* The canceller's half of a slot's ghost state. It lies in the lane until the canceller closes the lane. *)
  Definition scanner g (passed : nat) (seen : option (loc * Qp)) : iProp Σ :=
    mono_nat_auth_own (scan_name g) (1/2) passed ∗ ghost_var (seen_name g) (1/2) seen.

  Definition flag_of k : bool := match k with 0 => false | _ => true end.
  Definition open_of k : bool := match k with 0 | 1 => true | _ => false end.

  Definition lane_inv γ : iProp Σ :=
    ∃ k, flag_at γ ↦ #(flag_of k) ∗ state_at γ ↦ #(open_of k) ∗
      mono_nat_auth_own (phase_name γ) (1/2) k ∗
      (if open_of k then [∗ list] g ∈ slot_list γ, scanner g 0 None else True) ∗
      [∗ list] i ↦ g ∈ slot_list γ, slot_inv γ i g.

  Definition lane_val γ : val :=
    ((#(flag_at γ), #(state_at γ)), (#(words_at γ), (#(fates_at γ), #(length (slot_list γ))))).

  Definition is_lane γ (l : val) : iProp Σ :=
    ⌜l = lane_val γ⌝ ∗ cinv N (handle_name γ) (lane_inv γ) ∗ □ (∀ c, before c -∗ WP (! #c) #() {{ _, after c }}).

  (* The right to use the lane. *)
  Definition handle γ q : iProp Σ := cinv_own (handle_name γ) q.

  (* The owner's part of a slot. *)
  Definition place γ i o (a : status) : iProp Σ :=
    ∃ g, ⌜slot_list γ !! i = Some g⌝ ∗ (words_at γ +ₗ i) ↦{# 1/2} in_word o ∗ ghost_var (status_name g) (1/2) a.

  (* Known to a thread that has read the flag as set. *)
  Definition is_canceled γ : iProp Σ := mono_nat_lb_own (phase_name γ) 1.
  Definition is_closed γ : iProp Σ := mono_nat_lb_own (phase_name γ) 2.

  (* A slot in which nothing is registered. One that was withdrawn in a closed lane looks free. *)
  Definition free γ i : iProp Σ := place γ i None Empty ∨ is_closed γ ∗ ∃ o, place γ i o Spent.

  (* The registration of c in slot i. *)
  Definition registration γ i c : iProp Σ := place γ i (Some c) (Live c true).

  (* The canceller has taken the callback in slot i. *)
  Definition taken γ i : iProp Σ := ∃ g, ⌜slot_list γ !! i = Some g⌝ ∗ mono_nat_lb_own (scan_name g) 1.

  (* The right to cancel: one thread has it. *)
  Definition canceller γ : iProp Σ := mono_nat_auth_own (phase_name γ) (1/2) 0.

  (* The callbacks have run. *)
  Definition finished γ : iProp Σ := [∗ list] g ∈ slot_list γ, mono_nat_lb_own (scan_name g) 2.

  Global Instance is_lane_persistent γ l : Persistent (is_lane γ l).
  Proof. apply _. Qed.
  Global Instance taken_persistent γ i : Persistent (taken γ i).
  Proof. apply _. Qed.
  Global Instance finished_persistent γ : Persistent (finished γ).
  Proof. apply _. Qed.

  Lemma handle_split γ q1 q2 : handle γ (q1 + q2) ⊣⊢ handle γ q1 ∗ handle γ q2.
  Proof. apply cinv_own_fractional. Qed.

  (* No more than two halves exist. *)
  Lemma not_three_halves g (a1 a2 a3 : status) :
    ghost_var (status_name g) (1/2) a1 -∗ ghost_var (status_name g) (1/2) a2 -∗ ghost_var (status_name g) (1/2) a3 -∗ False.
  Proof.
    iIntros "H1 H2 H3". iDestruct (ghost_var_agree with "H1 H2") as %->. iCombine "H1 H2" as "H".
    iDestruct (ghost_var_valid_2 with "H H3") as %[Hbad _]. by apply Qp.not_add_le_l in Hbad.
  Qed.

  Lemma reached (γ : gname) n k : n ≤ k → mono_nat_auth_own γ (1/2) k -∗ mono_nat_lb_own γ n.
  Proof. iIntros (Hle) "Hk". iApply mono_nat_lb_own_le; [done|]. iApply (mono_nat_lb_own_get with "Hk"). Qed.

  Lemma begun_passed γ i g c p sn : begun γ i g c p sn -∗ ⌜1 ≤ p⌝.
  Proof. iIntros "[(_ & -> & _)|(_ & $ & _)]". done. Qed.

  Lemma words_agree (s : loc) o1 o2 : s ↦{# 1/2} in_word o1 -∗ s ↦{# 1/2} in_word o2 -∗ ⌜o1 = o2⌝.
  Proof.
    iIntros "H1 H2". iDestruct (mapsto_agree with "H1 H2") as %Heq. by destruct o1, o2; simplify_eq/=.
  Qed.

  (* Opens the invariant at one slot. *)
  Lemma slot_acc γ i g q :
    slot_list γ !! i = Some g →
    cinv N (handle_name γ) (lane_inv γ) -∗ handle γ q ={⊤,⊤∖↑N}=∗
    handle γ q ∗ ▷ slot_inv γ i g ∗ (▷ slot_inv γ i g ={⊤∖↑N,⊤}=∗ True).
  Proof.
    iIntros (Hg) "#Hinv Hown".
    iMod (cinv_acc with "Hinv Hown") as "[(%k & Hf & Hst & Hk & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iModIntro. iFrame "Hown Hi". iIntros "Hi". iMod ("Hclose" with "[Hf Hst Hk Hsc Hs Hi]") as "_"; [|done].
    iNext. iExists k. iFrame "Hf Hst Hk Hsc". by iApply "Hs".
  Qed.

  (* The same for the owner: with its halves it has the whole word, and knows the status. *)
  Lemma owner_acc γ i g q o a :
    slot_list γ !! i = Some g →
    cinv N (handle_name γ) (lane_inv γ) -∗ handle γ q -∗
    (words_at γ +ₗ i) ↦{# 1/2} in_word o -∗ ghost_var (status_name g) (1/2) a ={⊤,⊤∖↑N}=∗
    ∃ p sn, handle γ q ∗ (words_at γ +ₗ i) ↦ in_word o ∗ ghost_var (status_name g) (1/2) a ∗ ghost_var (status_name g) (1/2) a ∗
      mono_nat_auth_own (scan_name g) (1/2) p ∗ ▷ fate_inv γ i g a o p sn ∗
      (∀ o' a', (words_at γ +ₗ i) ↦ in_word o' -∗ ghost_var (status_name g) (1/2) a' -∗ mono_nat_auth_own (scan_name g) (1/2) p -∗
        ▷ fate_inv γ i g a' o' p sn ={⊤∖↑N,⊤}=∗ (words_at γ +ₗ i) ↦{# 1/2} in_word o').
  Proof.
    iIntros (Hg) "#Hinv Hown Hw Ha".
    iMod (slot_acc with "Hinv Hown") as "(Hown & Hi & Hclose)"; [done|].
    iDestruct "Hi" as (a' o' p sn) "(>Hw' & >Ha' & >Hp & >Ho & Hi)".
    iDestruct (ghost_var_agree with "Ha Ha'") as %<-. iDestruct (words_agree with "Hw Hw'") as %<-. iCombine "Hw Hw'" as "Hw".
    iModIntro. iExists p, sn. iFrame "Hown Hw Ha Ha' Hp Hi". iIntros (o' a') "[Hw Hw'] Ha Hp Hi".
    iMod ("Hclose" with "[Hw' Ha Hp Ho Hi]") as "_"; [|by iFrame "Hw"].
    iNext. iExists a', o', p, sn. iFrame "Hw' Ha Hp Ho Hi".
  Qed.

  (** ** The beginning *)

  Lemma make_slots γh γp (fl st w f : loc) n :
    w ↦∗ replicate n #0 -∗ f ↦∗ replicate n undecided ==∗
    ∃ gs, ⌜length gs = n⌝ ∗ ([∗ list] g ∈ gs, scanner g 0 None) ∗
      ([∗ list] i ↦ g ∈ gs, (w +ₗ i) ↦{# 1/2} in_word None ∗ ghost_var (status_name g) (1/2) Empty) ∗
      ∀ l', [∗ list] i ↦ g ∈ gs, slot_inv (LaneNames fl st w f γh γp l') i g.
  Proof.
    induction n as [|n IH]; iIntros "Hw Hf".
    { iModIntro. iExists []. iSplit; [done|]. iSplit; [done|]. iSplit; [done|]. by iIntros (?). }
    rewrite !replicate_S_end !array_app !array_singleton !replicate_length.
    iDestruct "Hw" as "[Hw [Hwn Hwn']]". iDestruct "Hf" as "[Hf Hfn]".
    iMod (IH with "Hw Hf") as (gs Hlen) "(Hsc & Hown & Hin)".
    iMod (ghost_var_alloc Empty) as (γa) "[Ha1 Ha2]".
    iMod (mono_nat_own_alloc 0) as (γs) "[[Hs1 Hs2] _]".
    iMod (ghost_var_alloc (None : option (loc * Qp))) as (γo) "[Ho1 Ho2]".
    iModIntro. iExists (gs ++ [SlotNames γa γs γo]).
    iSplit; [iPureIntro; rewrite app_length /=; lia|].
    iSplitL "Hsc Hs1 Ho1".
    { iApply big_sepL_app. iFrame. done. }
    iSplitL "Hown Hwn Ha1".
    { iApply big_sepL_app. rewrite /= Hlen Nat.add_0_r. by iFrame. }
    iIntros (l'). iApply big_sepL_app. iSplitL "Hin"; [by iApply "Hin"|].
    iApply big_sepL_singleton. rewrite Hlen Nat.add_0_r.
    iExists Empty, None, 0, None. iFrame "Hwn' Ha2 Hs2 Ho2". iLeft. by iFrame "Hfn".
  Qed.

  Lemma new_lane_spec n :
    0 < n →
    {{{ □ (∀ c, before c -∗ WP (! #c) #() {{ _, after c }}) }}}
      new_lane #n
    {{{ γ l, RET l; is_lane γ l ∗ handle γ 1 ∗ canceller γ ∗ ⌜length (slot_list γ) = n⌝ ∗
        [∗ list] i ↦ _ ∈ slot_list γ, free γ i }}}.
  Proof.
    iIntros (Hn Φ) "#Hrun HΦ". wp_lam.
    wp_apply wp_allocN; [lia|done|]. iIntros (f) "[Hfates _]". wp_pures.
    wp_apply wp_allocN; [lia|done|]. iIntros (w) "[Hwords _]".
    wp_alloc st as "Hst". wp_alloc fl as "Hfl". rewrite !Nat2Z.id.
    iMod (cinv_alloc_strong (λ _, True) ⊤ N) as (γh) "(_ & Hown & Hinv)"; [apply pred_infinite_True|].
    iMod (mono_nat_own_alloc 0) as (γp) "[[Hp1 Hp2] _]".
    iMod (make_slots γh γp fl st w f n with "Hwords Hfates") as (gs Hlen) "(Hsc & Hmine & Hin)".
    set (γ := LaneNames fl st w f γh γp gs).
    iMod ("Hinv" $! (lane_inv γ) with "[Hst Hfl Hp1 Hsc Hin]") as "#Hinv".
    { iNext. iExists 0. iFrame. iApply "Hin". }
    wp_pures. iModIntro. iApply ("HΦ" $! γ). iFrame. iSplit; [iSplit; [|by iFrame "#"]|iSplit; [done|]].
    { rewrite /lane_val /= Hlen. done. }
    iApply (big_sepL_impl with "Hmine"). iIntros "!>" (i g Hg) "[Hw Ha]". iLeft. iExists g. by iFrame.
  Qed.

  (** ** The owner's steps *)

  (* Looks at the state without anything at stake. *)
  Lemma state_read_spec γ q :
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q }}}
      ! #(state_at γ)
    {{{ (b : bool), RET #b; handle γ q ∗ if b then True else is_closed γ }}}.
  Proof.
    iIntros (Φ) "[#Hinv Hown] HΦ".
    iMod (cinv_acc with "Hinv Hown") as "[(%k & >Hf & >Hst & >Hk & Hsc & Hs) [Hown Hclose]]"; [done|].
    wp_load.
    iAssert (⌜open_of k = false⌝ -∗ is_closed γ)%I as "#Hcl".
    { iIntros (Hk). destruct k as [|[|k]]; [done|done|]. iApply (reached with "Hk"); lia. }
    iMod ("Hclose" with "[Hf Hst Hk Hsc Hs]") as "_"; [iNext; iExists k; iFrame "Hf Hst Hk Hsc Hs"|].
    iModIntro. iApply "HΦ". iFrame. destruct (open_of k); [done|by iApply "Hcl"].
  Qed.

  (* A closed lane is never opened again (L3). *)
  Lemma state_read_closed_spec γ q :
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q ∗ is_closed γ }}}
      ! #(state_at γ)
    {{{ RET closed; handle γ q }}}.
  Proof.
    iIntros (Φ) "(#Hinv & Hown & #Hcl) HΦ".
    iMod (cinv_acc with "Hinv Hown") as "[(%k & >Hf & >Hst & >Hk & Hsc & Hs) [Hown Hclose]]"; [done|].
    wp_load. iDestruct (mono_nat_lb_own_valid with "Hk Hcl") as %[_ Hle].
    destruct k as [|[|k]]; [lia|lia|].
    iMod ("Hclose" with "[Hf Hst Hk Hsc Hs]") as "_"; [iNext; iExists (S (S k)); iFrame "Hf Hst Hk Hsc Hs"|].
    iModIntro. by iApply "HΦ".
  Qed.

  Lemma flag_read_spec γ q :
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q }}}
      ! #(flag_at γ)
    {{{ (b : bool), RET #b; handle γ q ∗ if b then is_canceled γ else True }}}.
  Proof.
    iIntros (Φ) "[#Hinv Hown] HΦ".
    iMod (cinv_acc with "Hinv Hown") as "[(%k & >Hf & >Hst & >Hk & Hsc & Hs) [Hown Hclose]]"; [done|].
    wp_load.
    iAssert (⌜flag_of k = true⌝ -∗ is_canceled γ)%I as "#Hcan".
    { iIntros (Hk). destruct k as [|k]; [done|]. iApply (reached with "Hk"); lia. }
    iMod ("Hclose" with "[Hf Hst Hk Hsc Hs]") as "_"; [iNext; iExists k; iFrame "Hf Hst Hk Hsc Hs"|].
    iModIntro. iApply "HΦ". iFrame. destruct (flag_of k); [by iApply "Hcan"|done].
  Qed.

  Lemma closed_canceled γ : is_closed γ -∗ is_canceled γ.
  Proof. iApply mono_nat_lb_own_le. lia. Qed.

  (* What a registration looks at first. *)
  Lemma refused_spec γ q (now : bool) :
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q ∗ if now then True else is_closed γ }}}
      if: ! #(flag_at γ) then #true else ~ #now
    {{{ (b : bool), RET #b; handle γ q ∗ if b then is_canceled γ else ⌜now = true⌝ }}}.
  Proof.
    iIntros (Φ) "(#Hinv & Hown & Hnow) HΦ". wp_apply (flag_read_spec with "[$Hinv $Hown]"). iIntros (b) "[Hown Hcan]".
    destruct b; wp_pures; iModIntro; iApply "HΦ"; iFrame "Hown"; [done|].
    destruct now; [done|by iApply closed_canceled].
  Qed.

  (* lane_publish: a plain store. The registration is in doubt. *)
  Lemma publish_spec γ q i g c :
    slot_list γ !! i = Some g →
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q ∗ before c ∗
        (words_at γ +ₗ i) ↦{# 1/2} in_word None ∗ ghost_var (status_name g) (1/2) Empty }}}
      #(words_at γ +ₗ i) <- #c
    {{{ RET #(); handle γ q ∗ (words_at γ +ₗ i) ↦{# 1/2} in_word (Some c) ∗ ghost_var (status_name g) (1/2) (Live c false) }}}.
  Proof.
    iIntros (Hg Φ) "(#Hinv & Hown & Hb & Hw & Ha) HΦ".
    iMod (owner_acc with "Hinv Hown Hw Ha") as (p sn) "(Hown & Hw & Ha & Ha' & Hp & Hi & Hclose)"; [done|].
    iDestruct "Hi" as "[(>Hfate & _ & >%Hok)|[(_ & >%Hbad)|(%c' & %conf & >%Hbad & _)]]"; [|done|done].
    wp_store. iMod (ghost_var_update_halves (Live c false) with "Ha Ha'") as "[Ha Ha']".
    iMod ("Hclose" $! (Some c) with "Hw Ha' Hp [Hfate Hb]") as "Hw".
    { iNext. iLeft. iFrame "Hfate Hb". iPureIntro. destruct Hok as [_ ->]. split; [by left|done]. }
    iModIntro. iApply "HΦ". iFrame "Hown Hw Ha".
  Qed.

  (* Step 3 of the owner: the second lane_state_read after it has published or withdrawn c. If the lane is still open, the registration is
     confirmed, or the callback is the owner's again (L1). *)
  Lemma is_still_open_spec γ q i g c o :
    slot_list γ !! i = Some g → o = Some c ∨ o = None →
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q ∗
        (words_at γ +ₗ i) ↦{# 1/2} in_word o ∗ ghost_var (status_name g) (1/2) (Live c false) }}}
      ! #(state_at γ)
    {{{ (b : bool), RET #b; handle γ q ∗ (words_at γ +ₗ i) ↦{# 1/2} in_word o ∗
        if b then
          match o with
          | Some _ => ghost_var (status_name g) (1/2) (Live c true)
          | None => before c ∗ ghost_var (status_name g) (1/2) Empty
          end
        else is_closed γ ∗ ghost_var (status_name g) (1/2) (Live c false) }}}.
  Proof.
    iIntros (Hg Ho Φ) "(#Hinv & Hown & Hw & Ha) HΦ".
    iMod (cinv_acc with "Hinv Hown") as "[(%k & >Hf & >Hst & >Hk & Hsc & Hs) [Hown Hclose]]"; [done|].
    destruct (open_of k) eqn:Hopen; last first.
    { wp_load. iAssert (is_closed γ) as "#Hcl".
      { destruct k as [|[|k]]; [done|done|]. iApply (reached with "Hk"); lia. }
      iMod ("Hclose" with "[Hf Hst Hk Hs]") as "_"; [iNext; iExists k; rewrite Hopen; iFrame "Hf Hst Hk Hs"|].
      iModIntro. iApply ("HΦ" $! false). iFrame "Hown Hw Hcl Ha". }
    iDestruct (big_sepL_lookup_acc with "Hsc") as "[[>Hp >Ho] Hsc]"; [done|].
    iDestruct (big_sepL_lookup_acc with "Hs") as "[Hi Hs]"; [done|].
    iDestruct "Hi" as (a o' p sn) "(>Hw' & >Ha' & >Hp' & >Ho' & Hi)".
    iDestruct (ghost_var_agree with "Ha Ha'") as %<-. iDestruct (words_agree with "Hw Hw'") as %<-.
    iDestruct (mono_nat_auth_own_agree with "Hp Hp'") as %[_ <-].
    iDestruct (ghost_var_agree with "Ho Ho'") as %<-.
    iDestruct "Hi" as "[(>Hfate & Hb & _)|[(_ & >%Hbad)|(%c' & %conf & _ & Hi)]]"; [|done|]; last first.
    { iDestruct (begun_passed with "Hi") as ">%Hp". lia. }
    wp_load. set (a := match o with Some _ => Live c true | None => Empty end).
    iMod (ghost_var_update_halves a with "Ha Ha'") as "[Ha Ha']".
    iAssert (given a ∗ match o with Some _ => True | None => before c end)%I with "[Hb]" as "[Hgiven Hb]".
    { destruct o; [by iSplitL "Hb"|by iSplitR]. }
    iMod ("Hclose" with "[Hf Hst Hk Hsc Hs Hp Ho Hw' Ha' Hp' Ho' Hfate Hgiven]") as "_".
    { iNext. iExists k. rewrite Hopen. iFrame "Hf Hst Hk". iSplitL "Hsc Hp Ho"; [iApply "Hsc"; iFrame "Hp Ho"|]. iApply "Hs".
      iExists a, o, 0, None. iFrame "Hw' Ha' Hp' Ho'". iLeft. iFrame "Hfate Hgiven". iPureIntro. by destruct Ho as [-> | ->]. }
    iModIntro. iApply ("HΦ" $! true). iFrame "Hown Hw". destruct o; [done|iFrame "Hb Ha"].
  Qed.

  (* lane_retract, lane_unregister. Fails if the canceller is known to have taken the callback (L2). *)
  Lemma decide_spec γ q i g o c confirmed :
    slot_list γ !! i = Some g →
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q ∗
        (words_at γ +ₗ i) ↦{# 1/2} in_word o ∗ ghost_var (status_name g) (1/2) (Live c confirmed) }}}
      decide (lane_val γ) #i withdrawn
    {{{ (ok : bool), RET #ok; handle γ q ∗ (words_at γ +ₗ i) ↦{# 1/2} in_word o ∗
        if ok then before c ∗ ghost_var (status_name g) (1/2) Spent
        else ghost_var (status_name g) (1/2) (Live c true) ∗ taken γ i }}}.
  Proof.
    iIntros (Hg Φ) "(#Hinv & Hown & Hw & Ha) HΦ". wp_lam. wp_pures. wp_bind (CmpXchg _ _ _).
    iMod (owner_acc with "Hinv Hown Hw Ha") as (p sn) "(Hown & Hw & Ha & Ha' & Hp & Hi & Hclose)"; [done|].
    iDestruct "Hi" as "[(>Hfate & Hb & _)|[(_ & >%Hbad)|(%c' & %conf & >%Heq & Hi)]]"; [|done|].
    - wp_cmpxchg_suc. iMod (ghost_var_update_halves Spent with "Ha Ha'") as "[Ha Ha']".
      iMod ("Hclose" with "Hw Ha' Hp [Hfate]") as "Hw"; [iNext; iRight; iLeft; by iFrame "Hfate"|].
      iModIntro. wp_pures. iModIntro. iApply ("HΦ" $! true). iFrame "Hown Hw Hb Ha".
    - injection Heq as <- <-. iDestruct (begun_passed with "Hi") as "#>%Hpass".
      iDestruct (reached _ 1 with "Hp") as "#Htaken"; [done|].
      iMod (ghost_var_update_halves (Live c true) with "Ha Ha'") as "[Ha Ha']".
      iDestruct "Hi" as "[(>Hfate & Hi)|(>Hfate & Hi)]"; wp_cmpxchg_fail;
        (iMod ("Hclose" with "Hw Ha' Hp [Hfate Hi]") as "Hw"; [iNext; iRight; iRight; iExists c, true; iSplit; [done|] |]).
      1: iLeft; by iFrame "Hfate Hi". 2: iRight; by iFrame "Hfate Hi".
      all: iModIntro; wp_pures; iModIntro; iApply ("HΦ" $! false); iFrame "Hown Hw Ha"; iExists g; by iFrame "Htaken".
  Qed.

  (* lane_withdraw: a plain store. The registration is in doubt again. *)
  Lemma withdraw_store_spec γ q i g c :
    slot_list γ !! i = Some g →
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q ∗
        (words_at γ +ₗ i) ↦{# 1/2} in_word (Some c) ∗ ghost_var (status_name g) (1/2) (Live c true) }}}
      #(words_at γ +ₗ i) <- #0
    {{{ RET #(); handle γ q ∗ (words_at γ +ₗ i) ↦{# 1/2} in_word None ∗ ghost_var (status_name g) (1/2) (Live c false) }}}.
  Proof.
    iIntros (Hg Φ) "(#Hinv & Hown & Hw & Ha) HΦ".
    iMod (owner_acc with "Hinv Hown Hw Ha") as (p sn) "(Hown & Hw & Ha & Ha' & Hp & Hi & Hclose)"; [done|].
    wp_store. iMod (ghost_var_update_halves (Live c false) with "Ha Ha'") as "[Ha Ha']".
    iMod ("Hclose" $! None with "Hw Ha' Hp [Hi]") as "Hw".
    { iNext. iDestruct "Hi" as "[(Hfate & Hb & %Hok)|[(_ & %Hbad)|(%c' & %conf & %Heq & Hi)]]"; [|done|].
      - iLeft. iFrame "Hfate Hb". iPureIntro. destruct Hok as [_ Hok]. split; [by right|done].
      - injection Heq as <- <-. iRight. iRight. iExists c, false. by iFrame "Hi". }
    iModIntro. iApply "HΦ". iFrame "Hown Hw Ha".
  Qed.

  (* lane_restore *)
  Lemma restore_spec γ q i g c o :
    slot_list γ !! i = Some g →
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q ∗ taken γ i ∗
        (words_at γ +ₗ i) ↦{# 1/2} in_word o ∗ ghost_var (status_name g) (1/2) (Live c true) }}}
      #(words_at γ +ₗ i) <- #c
    {{{ RET #(); handle γ q ∗ (words_at γ +ₗ i) ↦{# 1/2} in_word (Some c) ∗ ghost_var (status_name g) (1/2) (Live c true) }}}.
  Proof.
    iIntros (Hg Φ) "(#Hinv & Hown & #Htaken & Hw & Ha) HΦ". iDestruct "Htaken" as (g' Hg') "Htaken". simplify_eq.
    iMod (owner_acc with "Hinv Hown Hw Ha") as (p sn) "(Hown & Hw & Ha & Ha' & Hp & Hi & Hclose)"; [done|].
    iDestruct (mono_nat_lb_own_valid with "Hp Htaken") as %[_ Hle].
    wp_store. iMod ("Hclose" $! (Some c) with "Hw Ha' Hp [Hi]") as "Hw".
    { iNext. iDestruct "Hi" as "[(_ & _ & %Hok)|[(_ & %Hbad)|Hi]]"; [|done|iRight; by iRight]. destruct Hok as [[_ ->] _]. lia. }
    iModIntro. iApply "HΦ". iFrame "Hown Hw Ha".
  Qed.

  (** ** The owner *)

  (* A registration that races with the canceller is on one side. It is registered; or it is refused, everything is given back, and the
     flag is set. *)
  Theorem G22_one_side γ l q i c :
    {{{ is_lane γ l ∗ handle γ q ∗ before c ∗ free γ i }}}
      try_register l #i #c
    {{{ w, RET w; handle γ q ∗
        (⌜w = registered⌝ ∗ registration γ i c ∨ ⌜w = canceled⌝ ∗ before c ∗ free γ i ∗ is_canceled γ) }}}.
  Proof.
    iIntros (Φ) "((-> & #Hinv & _) & Hown & Hb & [Hfree|[#Hcl Hspent]]) HΦ"; wp_lam; wp_pures.
    2: { (* A closed lane never uses the slot again (L3). *)
      wp_apply (state_read_closed_spec with "[$Hinv $Hown $Hcl]"). iIntros "Hown". wp_pures.
      wp_apply (refused_spec _ _ false with "[$Hinv $Hown]"); [done|]. iIntros (b) "[Hown Hcan]". destruct b; [|by iDestruct "Hcan" as %[=]].
      wp_pures. iModIntro. iApply "HΦ". iFrame "Hown". iRight. iFrame "Hb Hcan". iSplit; [done|]. iRight. by iFrame "Hcl Hspent". }
    wp_apply (state_read_spec with "[$Hinv $Hown]"). iIntros (now) "[Hown Hnow]". wp_pures.
    wp_apply (refused_spec with "[$Hinv $Hown $Hnow]"). iIntros (b) "[Hown Hcan]". destruct b; wp_pures.
    { iModIntro. iApply "HΦ". iFrame "Hown". iRight. iFrame "Hb Hcan". iSplit; [done|]. by iLeft. }
    iDestruct "Hfree" as (g Hg) "[Hw Ha]".
    wp_apply (publish_spec with "[$Hinv $Hown $Hb $Hw $Ha]"); [done|]. iIntros "(Hown & Hw & Ha)". wp_pures.
    wp_apply (is_still_open_spec with "[$Hinv $Hown $Hw $Ha]"); [done|by left|]. iIntros (b) "(Hown & Hw & Hb)".
    destruct b; wp_pures.
    { iModIntro. iApply "HΦ". iFrame "Hown". iLeft. iSplit; [done|]. iExists g. by iFrame. }
    iDestruct "Hb" as "[#Hcl Ha]".
    wp_apply (decide_spec with "[$Hinv $Hown $Hw $Ha]"); [done|]. iIntros (ok) "(Hown & Hw & Hok)".
    destruct ok; wp_pures; iModIntro; iApply "HΦ"; iFrame "Hown".
    - iRight. iDestruct "Hok" as "[$ Ha]". iSplit; [done|]. iDestruct (closed_canceled with "Hcl") as "$".
      iRight. iFrame "Hcl". iExists (Some c), g. by iFrame.
    - iDestruct "Hok" as "[Ha _]". iLeft. iSplit; [done|]. iExists g. by iFrame.
  Qed.

  (* succeeded: the callback has not run and never will. too_late: the canceller has taken it, and the flag is set. *)
  Lemma withdraw_spec γ l q i c :
    {{{ is_lane γ l ∗ handle γ q ∗ registration γ i c }}}
      withdraw l #i #c
    {{{ w, RET w; handle γ q ∗
        (⌜w = succeeded⌝ ∗ before c ∗ free γ i ∨ ⌜w = too_late⌝ ∗ registration γ i c ∗ taken γ i ∗ is_canceled γ) }}}.
  Proof.
    iIntros (Φ) "((-> & #Hinv & _) & Hown & Hr) HΦ". iDestruct "Hr" as (g Hg) "[Hw Ha]".
    wp_lam. wp_pures. wp_load. wp_pures. rewrite ?bool_decide_eq_true_2 //. wp_pures.
    wp_apply (state_read_spec with "[$Hinv $Hown]"). iIntros (now) "[Hown Hnow]".
    destruct now; wp_pures; last first.
    { iDestruct "Hnow" as "#Hcl". iDestruct (closed_canceled with "Hcl") as "#Hcan".
      wp_apply (decide_spec with "[$Hinv $Hown $Hw $Ha]"); [done|]. iIntros (ok) "(Hown & Hw & Hok)".
      destruct ok; wp_pures; iModIntro; iApply "HΦ"; iFrame "Hown".
      - iLeft. iDestruct "Hok" as "[$ Ha]". iSplit; [done|]. iRight. iFrame "Hcl". iExists (Some c), g. by iFrame.
      - iRight. iDestruct "Hok" as "[Ha $]". iFrame "Hcan". iSplit; [done|]. iExists g. by iFrame. }
    wp_apply (withdraw_store_spec with "[$Hinv $Hown $Hw $Ha]"); [done|]. iIntros "(Hown & Hw & Ha)". wp_pures.
    wp_apply (is_still_open_spec _ _ _ _ _ None with "[$Hinv $Hown $Hw $Ha]"); [done|by right|]. iIntros (b) "(Hown & Hw & Hb)".
    destruct b; wp_pures.
    { iModIntro. iApply "HΦ". iFrame "Hown". iLeft. iDestruct "Hb" as "[$ Ha]". iSplit; [done|]. iLeft. iExists g. by iFrame. }
    iDestruct "Hb" as "[#Hcl Ha]". iDestruct (closed_canceled with "Hcl") as "#Hcan".
    wp_apply (decide_spec with "[$Hinv $Hown $Hw $Ha]"); [done|]. iIntros (ok) "(Hown & Hw & Hok)".
    destruct ok; wp_pures.
    { iModIntro. iApply "HΦ". iFrame "Hown". iLeft. iDestruct "Hok" as "[$ Ha]". iSplit; [done|]. iRight. iFrame "Hcl". iExists None, g.
      by iFrame. }
    iDestruct "Hok" as "[Ha #Htaken]".
    wp_apply (restore_spec with "[$Hinv $Hown $Htaken $Hw $Ha]"); [done|]. iIntros "(Hown & Hw & Ha)". wp_pures.
    iModIntro. iApply "HΦ". iFrame "Hown". iRight. iFrame "Htaken Hcan". iSplit; [done|]. iExists g. by iFrame.
  Qed.

  (* True: the callback has not run and never will, and what it needed is given back. *)
  Theorem G22_unregister_xor_ran γ l q i c :
    {{{ is_lane γ l ∗ handle γ q ∗ registration γ i c }}}
      unregister l #i #c
    {{{ (ok : bool), RET #ok; handle γ q ∗
        if ok then before c ∗ free γ i else registration γ i c ∗ taken γ i ∗ is_canceled γ }}}.
  Proof.
    iIntros (Φ) "(#Hl & Hown & Hr) HΦ". wp_lam. wp_pures.
    wp_apply (withdraw_spec with "[$Hl $Hown $Hr]"). iIntros (w) "[Hown [(-> & Hw)|(-> & Hw)]]"; wp_pures; iModIntro.
    - iApply ("HΦ" $! true). iFrame.
    - iApply ("HΦ" $! false). iFrame.
  Qed.

  (* A callback that is not in the slot stays as it is, wherever it is. *)
  Theorem G22_not_registered γ l q i c o a :
    o ≠ Some c →
    {{{ is_lane γ l ∗ handle γ q ∗ place γ i o a }}}
      unregister l #i #c
    {{{ RET #false; handle γ q ∗ place γ i o a }}}.
  Proof.
    iIntros (Hne Φ) "((-> & _) & Hown & Hr) HΦ". iDestruct "Hr" as (g Hg) "[Hw Ha]".
    wp_lam. wp_pures. wp_lam. wp_pures. wp_load. wp_pures.
    rewrite bool_decide_eq_false_2; [|by destruct o; intros [=]; simplify_eq]. wp_pures.
    iModIntro. iApply "HΦ". iFrame. iExists g. by iFrame.
  Qed.

  (* What the owner has of a slot once its callback has returned. *)
  Definition used γ i : iProp Σ := ∃ o, (words_at γ +ₗ i) ↦{# 1/2} in_word o.

  Lemma await_spec γ q i c :
    {{{ cinv N (handle_name γ) (lane_inv γ) ∗ handle γ q ∗ registration γ i c ∗ taken γ i }}}
      await_return (lane_val γ) #i
    {{{ RET #(); handle γ q ∗ after c ∗ used γ i }}}.
  Proof.
    iIntros (Φ) "(#Hinv & Hown & Hr & #Htaken) HΦ".
    iDestruct "Hr" as (g Hg) "[Hw Ha]". iDestruct "Htaken" as (g' Hg') "Hlb". simplify_eq.
    iLöb as "IH". wp_lam. wp_pures. wp_bind (!_)%E.
    iMod (owner_acc with "Hinv Hown Hw Ha") as (p sn) "(Hown & Hw & Ha & Ha' & Hp & Hi & Hclose)"; [done|].
    iDestruct (mono_nat_lb_own_valid with "Hp Hlb") as %[_ Hle].
    iDestruct "Hi" as "[(_ & _ & >%Hok)|[(_ & >%Hbad)|(%c' & %conf & >%Heq & Hi)]]"; [|done|].
    1: { destruct Hok as [[_ ->] _]. lia. }
    injection Heq as <- <-. iDestruct "Hi" as "[(>Hfate & Hi)|(>Hfate & Hp' & [Hafter|(%a' & >Hbad)])]".
    - wp_load. iMod ("Hclose" with "Hw Ha' Hp [Hfate Hi]") as "Hw".
      { iNext. iRight. iRight. iExists c, true. iSplit; [done|]. iLeft. iFrame "Hfate Hi". }
      iModIntro. wp_pures. iApply ("IH" with "Hown Hw Ha HΦ").
    - wp_load. iMod ("Hclose" with "Hw Ha' Hp [Ha Hp' Hfate]") as "Hw".
      { iNext. iRight. iRight. iExists c, true. iSplit; [done|]. iRight. iFrame "Hfate Hp'". iRight. iExists _. iFrame "Ha". }
      iModIntro. wp_pures. iModIntro. iApply "HΦ". iFrame "Hown Hafter". iExists (Some c). iFrame "Hw".
    - iDestruct (not_three_halves with "Ha Ha' Hbad") as %[].
  Qed.

  (* Returns with the callback unrun for ever, or after it has returned. *)
  Theorem G22_waiter_sees γ l q i c :
    {{{ is_lane γ l ∗ handle γ q ∗ registration γ i c }}}
      unregister_and_wait l #i #c
    {{{ (ok : bool), RET #ok; handle γ q ∗ if ok then before c ∗ free γ i else after c ∗ used γ i }}}.
  Proof.
    iIntros (Φ) "(#Hl & Hown & Hr) HΦ". wp_lam. wp_pures.
    wp_apply (withdraw_spec with "[$Hl $Hown $Hr]"). iIntros (w) "[Hown [(-> & Hw)|(-> & Hr & #Htaken & _)]]"; wp_pures.
    - iModIntro. iApply ("HΦ" $! true). iFrame.
    - iDestruct "Hl" as "(-> & #Hinv & _)". wp_apply (await_spec with "[$Hinv $Hown $Hr $Htaken]"). iIntros "(Hown & Hafter)". wp_pures.
      iModIntro. iApply ("HΦ" $! false). iFrame.
  Qed.

  (** ** The canceller *)

  Lemma pass g (p p' : nat) (sn sn' : option (loc * Qp)) :
    p ≤ p' →
    mono_nat_auth_own (scan_name g) (1/2) p -∗ mono_nat_auth_own (scan_name g) (1/2) p -∗
    ghost_var (seen_name g) (1/2) sn -∗ ghost_var (seen_name g) (1/2) sn ==∗
    scanner g p' sn' ∗ scanner g p' sn'.
  Proof.
    iIntros (Hle) "H1 H2 Ho1 Ho2". iCombine "H1 H2" as "H".
    iMod (mono_nat_own_update p' with "H") as "[[H1 H2] _]"; [done|].
    iMod (ghost_var_update_halves sn' with "Ho1 Ho2") as "[Ho1 Ho2]".
    by iFrame.
  Qed.

  Lemma visit_spec γ q i g :
    slot_list γ !! i = Some g →
    {{{ is_lane γ (lane_val γ) ∗ handle γ q ∗ scanner g 0 None }}}
      visit (lane_val γ) #i
    {{{ RET #(); handle γ q ∗ ∃ sn, scanner g 2 sn }}}.
  Proof.
    iIntros (Hg Φ) "((_ & #Hinv & #Hrun) & Hown & [Hp Ho]) HΦ".
    wp_lam. wp_pures. wp_bind (!_)%E.
    iMod (slot_acc with "Hinv Hown") as "(Hown & Hi & Hclose)"; [done|].
    iDestruct "Hi" as (a o p sn) "(>Hw & >Ha & >Hp' & >Ho' & Hi)".
    iDestruct (mono_nat_auth_own_agree with "Hp Hp'") as %[_ <-].
    iDestruct (ghost_var_agree with "Ho Ho'") as %<-.
    destruct o as [c|]; last first.
    { (* Nothing stands there: what is undecided is in doubt, and the owner will see that the lane is closed (L1). *)
      wp_load. iMod (pass _ _ 2 _ None with "Hp Hp' Ho Ho'") as "[Hmine [Hp' Ho']]"; [lia|].
      iMod ("Hclose" with "[Hw Ha Hp' Ho' Hi]") as "_".
      { iNext. iExists a, None, 2, None. iFrame "Hw Ha Hp' Ho'". iDestruct "Hi" as "[(Hfate & Hb & %Hok)|[Hi|(%c & %conf & _ & Hi)]]".
        - iLeft. iFrame "Hfate Hb". iPureIntro. destruct a as [|c [|]|]; [done|by destruct Hok as [[? _] _]|by destruct Hok|done].
        - iRight. by iLeft.
        - iDestruct (begun_passed with "Hi") as %Hpass. lia. }
      iModIntro. wp_pures. iApply "HΦ". iFrame. by iExists None. }
    (* The canceller reads a callback. Until the fate is written it stays the callback of the slot. Half of the handle stays with the
       callback while it runs. *)
    wp_load. iDestruct "Hown" as "[Hown Hleft]".
    iMod (pass _ _ 0 _ (Some (c, (q / 2)%Qp)) with "Hp Hp' Ho Ho'") as "[[Hp Ho] [Hp' Ho']]"; [lia|].
    iMod ("Hclose" with "[Hw Ha Hp' Ho' Hi]") as "_".
    { iNext. iExists a, (Some c), 0, (Some (c, (q / 2)%Qp)). iFrame "Hw Ha Hp' Ho'".
      iDestruct "Hi" as "[(Hfate & Hb & %Hok)|[Hi|(%c' & %conf & _ & Hi)]]".
      - iLeft. iFrame "Hfate Hb". iPureIntro. destruct a as [|c' conf|]; [by destruct Hok|destruct Hok as [Hc _]|done].
        assert (c' = c) as -> by (destruct conf; destruct Hc; simplify_eq; done).
        split; [by destruct conf; [|left]|]. intros ?? [=]. done.
      - iRight. by iLeft.
      - iDestruct (begun_passed with "Hi") as %Hpass. lia. }
    iModIntro. wp_pures. wp_lam. wp_pures. wp_bind (CmpXchg _ _ _). clear a.
    iMod (slot_acc with "Hinv Hown") as "(Hown & Hi & Hclose)"; [done|].
    iDestruct "Hi" as (a o p sn) "(>Hw & >Ha & >Hp' & >Ho' & Hi)".
    iDestruct (mono_nat_auth_own_agree with "Hp Hp'") as %[_ <-].
    iDestruct (ghost_var_agree with "Ho Ho'") as %<-.
    iDestruct "Hi" as "[(>Hfate & Hb & >%Hok)|[(>Hfate & >%Ha)|(%c' & %conf & _ & Hi)]]"; last first.
    { iDestruct (begun_passed with "Hi") as ">%Hpass". lia. }
    { (* The owner has withdrawn it. *)
      wp_cmpxchg_fail. iMod (pass _ _ 2 _ None with "Hp Hp' Ho Ho'") as "[Hmine [Hp' Ho']]"; [lia|].
      iMod ("Hclose" with "[Hw Ha Hp' Ho' Hfate]") as "_".
      { iNext. iExists a, o, 2, None. iFrame "Hw Ha Hp' Ho'". iRight. iLeft. by iFrame "Hfate". }
      iModIntro. wp_pures. iApply "HΦ". iCombine "Hown Hleft" as "$". by iExists None. }
    destruct a as [|c' conf|]; [by destruct Hok|destruct Hok as [_ Hsame]; specialize (Hsame _ _ eq_refl) as <-|done].
    wp_cmpxchg_suc. iDestruct "Hfate" as "[Hfate Hmyfate]".
    iMod (pass _ _ 1 _ (Some (c, (q / 2)%Qp)) with "Hp Hp' Ho Ho'") as "[[Hp Ho] [Hp' Ho']]"; [lia|].
    iMod ("Hclose" with "[Hw Ha Hp' Ho' Hfate Hleft]") as "_".
    { iNext. iExists (Live c conf), o, 1, (Some (c, (q / 2)%Qp)). iFrame "Hw Ha Hp' Ho'". iRight. iRight. iExists c, conf. iSplit; [done|].
      iLeft. iFrame "Hfate". iSplit; [done|]. iExists _. by iFrame "Hleft". }
    iModIntro. wp_pures.
    wp_bind ((! _) #())%E. iApply (wp_wand with "[Hb]"); [by iApply "Hrun"|]. iIntros (v) "Hafter". wp_pures.
    iMod (slot_acc with "Hinv Hown") as "(Hown & Hi & Hclose)"; [done|].
    iDestruct "Hi" as (a o' p sn) "(>Hw & >Ha & >Hp' & >Ho' & Hi)".
    iDestruct (mono_nat_auth_own_agree with "Hp Hp'") as %[_ <-].
    iDestruct (ghost_var_agree with "Ho Ho'") as %<-.
    iDestruct "Hi" as "[(>Hfate & _)|[(>Hfate & _)|(%c' & %conf' & >-> & [(>Hfate & _ & >(%q' & %Heq & Hleft))|(>Hfate & _)])]]";
      iDestruct (mapsto_agree with "Hfate Hmyfate") as %[=].
    iCombine "Hfate Hmyfate" as "Hfate". wp_store. injection Heq as <- <-.
    iMod (pass _ _ 2 _ None with "Hp Hp' Ho Ho'") as "[Hmine [Hp' Ho']]"; [lia|].
    iMod ("Hclose" with "[Hw Ha Hp' Ho' Hfate Hafter]") as "_".
    { iNext. iExists (Live c conf'), o', 2, None. iFrame "Hw Ha Hp' Ho'". iRight. iRight. iExists c, conf'.
      iSplit; [done|]. iRight. iFrame "Hfate Hafter". iPureIntro. lia. }
    iModIntro. iApply "HΦ". iCombine "Hown Hleft" as "$". by iExists None.
  Qed.

  Lemma walk_spec γ q n :
    n ≤ length (slot_list γ) →
    {{{ is_lane γ (lane_val γ) ∗ handle γ q ∗ [∗ list] g ∈ take n (slot_list γ), scanner g 0 None }}}
      walk (lane_val γ) #n
    {{{ RET #(); handle γ q ∗ [∗ list] g ∈ take n (slot_list γ), mono_nat_lb_own (scan_name g) 2 }}}.
  Proof.
    iIntros (Hn Φ) "(#Hl & Hown & Hsc) HΦ".
    iInduction n as [|n] "IH" forall (Hn Φ).
    { wp_lam. wp_pures. iModIntro. iApply "HΦ". by iFrame. }
    destruct (lookup_lt_is_Some_2 (slot_list γ) n) as [g Hg]; [lia|].
    rewrite (take_S_r _ _ _ Hg) !big_sepL_snoc. iDestruct "Hsc" as "[Hsc Hg]".
    wp_lam. wp_pures. replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    wp_apply (visit_spec with "[$Hl $Hown $Hg]"); [done|]. iIntros "[Hown (%sn & Hp & _)]".
    iDestruct (mono_nat_lb_own_get with "Hp") as "#Hpass".
    wp_pures. replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    wp_apply ("IH" with "[] Hown Hsc"); [iPureIntro; lia|]. iIntros "[Hown Hsc]".
    iApply "HΦ". by iFrame "#∗".
  Qed.

  (* One thread cancels. When it returns, the callbacks have run. *)
  Theorem G22_cancel γ l q :
    {{{ is_lane γ l ∗ handle γ q ∗ canceller γ }}}
      cancel l
    {{{ RET #(); handle γ q ∗ is_closed γ ∗ finished γ }}}.
  Proof.
    iIntros (Φ) "((-> & #Hinv & #Hrun) & Hown & Hmine) HΦ".
    iAssert (is_lane γ (lane_val γ)) as "#Hl"; [by iFrame "#"|].
    wp_lam. wp_pures. wp_bind (_ <- _)%E.
    iMod (cinv_acc with "Hinv Hown") as "[(%k & >Hf & >Hst & >Hk & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (mono_nat_auth_own_agree with "Hmine Hk") as %[_ <-]. wp_store.
    iCombine "Hmine Hk" as "Hk". iMod (mono_nat_own_update 1 with "Hk") as "[[Hmine Hk] _]"; [lia|].
    iMod ("Hclose" with "[Hf Hst Hk Hsc Hs]") as "_"; [iNext; iExists 1; iFrame "Hf Hst Hk Hsc Hs"|].
    iModIntro. wp_pures. wp_lam. wp_pures. wp_bind (_ <- _)%E.
    iMod (cinv_acc with "Hinv Hown") as "[(%k & >Hf & >Hst & >Hk & Hsc & Hs) [Hown Hclose]]"; [done|].
    iDestruct (mono_nat_auth_own_agree with "Hmine Hk") as %[_ <-]. wp_store.
    iCombine "Hmine Hk" as "Hk". iMod (mono_nat_own_update 2 with "Hk") as "[[Hmine Hk] #Hcl]"; [lia|].
    iMod ("Hclose" with "[Hf Hst Hk Hs]") as "_"; [iNext; iExists 2; by iFrame "Hf Hst Hk Hs"|].
    iModIntro. wp_pures.
    wp_apply (walk_spec _ _ (length (slot_list γ)) with "[$Hl $Hown Hsc]"); [done|by rewrite firstn_all|].
    rewrite firstn_all. iIntros "[Hown #Hfin]". iApply "HΦ". by iFrame "#∗".
  Qed.

  (* Once the cancel has returned, each registration has run. Without a step, and so without waiting. *)
  Theorem G22_never_lost γ l q i c :
    is_lane γ l -∗ handle γ q -∗ finished γ -∗ registration γ i c ={⊤}=∗ handle γ q ∗ ▷ after c ∗ used γ i.
  Proof.
    iIntros "(-> & #Hinv & _) Hown #Hfin (%g & %Hg & Hw & Ha)".
    iDestruct (big_sepL_lookup with "Hfin") as "Hlb"; [done|].
    iMod (owner_acc with "Hinv Hown Hw Ha") as (p sn) "(Hown & Hw & Ha & Ha' & Hp & Hi & Hclose)"; [done|].
    iDestruct (mono_nat_lb_own_valid with "Hp Hlb") as %[_ Hle].
    iDestruct "Hi" as "[(_ & _ & >%Hok)|[(_ & >%Hbad)|(%c' & %conf & >%Heq & Hi)]]"; [|done|].
    1: { destruct Hok as [[_ ->] _]. lia. }
    injection Heq as <- <-. iDestruct "Hi" as "[(_ & >%Hpass & _)|(>Hfate & Hp' & [Hafter|(%a' & >Hbad)])]"; [lia|..].
    - iMod ("Hclose" with "Hw Ha' Hp [Ha Hp' Hfate]") as "Hw".
      { iNext. iRight. iRight. iExists c, true. iSplit; [done|]. iRight. iFrame "Hfate Hp'". iRight. iExists _. iFrame "Ha". }
      iModIntro. iFrame "Hown Hafter". iExists (Some c). iFrame "Hw".
    - iDestruct (not_three_halves with "Ha Ha' Hbad") as %[].
  Qed.

  (** ** The end *)

  (* The owner's part of a slot at the end of the lane: a callback may be registered there. *)
  Definition kept γ i (x : option loc) : iProp Σ := match x with Some c => registration γ i c | None => used γ i end.
  Definition returned (x : option loc) : iProp Σ := match x with Some c => before c ∨ after c | None => True end.

  Lemma free_used γ i : free γ i -∗ used γ i.
  Proof. iIntros "[(%g & _ & Hw & _)|[_ (%o & %g & _ & Hw & _)]]"; iExists _; iFrame. Qed.

  Definition memory γ i : iProp Σ := ∃ v v', (words_at γ +ₗ i) ↦ v ∗ (fates_at γ +ₗ i) ↦ v'.

  (* With the whole handle no callback runs. *)
  Lemma reclaim_slot γ i g x :
    slot_list γ !! i = Some g →
    handle γ 1 -∗ ▷ slot_inv γ i g -∗ kept γ i x -∗ ◇ (handle γ 1 ∗ memory γ i ∗ ▷ returned x).
  Proof.
    iIntros (Hg) "Hown Hi Hx". iDestruct "Hi" as (a o p sn) "(>Hw & >Ha & Hp & Ho & Hi)".
    iAssert (∃ o', (words_at γ +ₗ i) ↦{# 1/2} in_word o' ∗
      match x with Some c => ghost_var (status_name g) (1/2) (Live c true) | None => True end)%I with "[Hx]" as (o') "[Hw' Hx]".
    { destruct x; [|iDestruct "Hx" as (o') "Hw"; iExists o'; by iFrame].
      iDestruct "Hx" as (g' Hg') "[Hw Ha]". simplify_eq. iExists (Some l). iFrame. }
    iDestruct (words_agree with "Hw Hw'") as %<-. iCombine "Hw Hw'" as "Hw".
    iDestruct "Hi" as "[(>Hfate & Hb & _)|[(>Hfate & >->)|(%c & %conf & >-> & [(_ & _ & (%q & _ & >Hq))|(>Hfate & _ & Hafter)])]]".
    - iModIntro. iFrame "Hown". iSplitL "Hw Hfate"; [iExists _, _; iFrame|].
      destruct x as [c|]; [|done]. iDestruct (ghost_var_agree with "Ha Hx") as %->. iNext. by iLeft.
    - iModIntro. iFrame "Hown". iSplitL "Hw Hfate"; [iExists _, _; iFrame|].
      destruct x as [c|]; [|done]. iDestruct (ghost_var_agree with "Ha Hx") as %[=].
    - iDestruct (cinv_own_1_l with "Hown Hq") as %[].
    - destruct x as [c'|]; last first.
      { iModIntro. iFrame "Hown". iSplit; [|done]. iExists _, _; iFrame. }
      iDestruct (ghost_var_agree with "Ha Hx") as %[= -> ->]. iDestruct "Hafter" as "[Hafter|(%a' & >Hbad)]"; last first.
      { iDestruct (not_three_halves with "Ha Hx Hbad") as %[]. }
      iModIntro. iFrame "Hown". iSplitL "Hw Hfate"; [iExists _, _; iFrame|]. iNext. by iRight.
  Qed.

  Lemma free_slots_spec γ n :
    {{{ [∗ list] i ∈ seq 0 n, memory γ i }}} free_slots (lane_val γ) #n {{{ RET #(); True }}}.
  Proof.
    iIntros (Φ) "Hm HΦ". iInduction n as [|n] "IH".
    { wp_lam. wp_pures. by iApply "HΦ". }
    rewrite seq_S big_sepL_snoc. iDestruct "Hm" as "[Hm (%v & %v' & Hw & Hf)]". simpl.
    wp_lam. wp_pures. replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    wp_free. wp_pures. replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    wp_free. wp_pures. replace (Z.of_nat (S n) - 1)%Z with (Z.of_nat n) by lia.
    iApply ("IH" with "Hm HΦ").
  Qed.

  Lemma reclaim_slots γ gs xs k :
    (∀ i g, gs !! i = Some g → slot_list γ !! (k + i) = Some g) → length xs = length gs →
    handle γ 1 -∗ ▷ ([∗ list] i ↦ g ∈ gs, slot_inv γ (k + i) g) -∗ ([∗ list] i ↦ x ∈ xs, kept γ (k + i) x) -∗
    ◇ (handle γ 1 ∗ ([∗ list] i ∈ seq k (length gs), memory γ i) ∗ ▷ [∗ list] x ∈ xs, returned x).
  Proof.
    iIntros (Hin Hlen) "Hown Hs Hxs". iInduction gs as [|g gs] "IH" forall (xs k Hin Hlen).
    { destruct xs; [|done]. iModIntro. iFrame "Hown". by iSplit. }
    destruct xs as [|x xs]; [done|]. injection Hlen as Hlen. rewrite !big_sepL_cons !Nat.add_0_r.
    setoid_rewrite <- Nat.add_succ_comm. iDestruct "Hs" as "[Hi Hs]". iDestruct "Hxs" as "[Hx Hxs]".
    iMod (reclaim_slot with "Hown Hi Hx") as "(Hown & Hm & Hx)".
    { rewrite -(Nat.add_0_r k). by apply Hin. }
    iMod ("IH" $! xs (S k) with "[%] [//] Hown Hs Hxs") as "(Hown & Hms & Hxs)".
    { intros i g' Hi. rewrite Nat.add_succ_comm. by apply (Hin (S i)). }
    iModIntro. iFrame.
  Qed.

  Lemma reclaim γ xs :
    length xs = length (slot_list γ) →
    cinv N (handle_name γ) (lane_inv γ) -∗ handle γ 1 -∗ ([∗ list] i ↦ x ∈ xs, kept γ i x) ={⊤}=∗
    ∃ k, flag_at γ ↦ #(flag_of k) ∗ state_at γ ↦ #(open_of k) ∗ ([∗ list] i ∈ seq 0 (length (slot_list γ)), memory γ i) ∗
      ▷ [∗ list] x ∈ xs, returned x.
  Proof.
    iIntros (Hlen) "#Hinv Hown Hxs".
    iMod (cinv_acc_strong with "Hinv Hown") as "(HP & Hown & Hclose)"; [done|].
    iDestruct "HP" as (k) "(>Hf & >Hst & _ & _ & Hs)".
    iMod (reclaim_slots γ _ _ 0 with "Hown Hs Hxs") as "(Hown & Hm & Hxs)"; [done|done|].
    iMod ("Hclose" $! (⊤ ∖ ↑N) with "[$Hown]") as "_". rewrite -union_difference_L; [|done].
    iModIntro. iExists k. iFrame.
  Qed.

  (* With all of the handle, the end frees the lane's memory. Each callback that is still registered has run or never will. *)
  Theorem G22_end_last γ l xs :
    length xs = length (slot_list γ) →
    {{{ is_lane γ l ∗ handle γ 1 ∗ [∗ list] i ↦ x ∈ xs, kept γ i x }}}
      end_lane l
    {{{ RET #(); [∗ list] x ∈ xs, returned x }}}.
  Proof.
    iIntros (Hlen Φ) "((-> & #Hinv & _) & Hown & Hxs) HΦ".
    iMod (reclaim with "Hinv Hown Hxs") as (k) "(Hf & Hst & Hm & Hxs)"; [done|].
    wp_lam. wp_pures. wp_apply (free_slots_spec with "Hm"). iIntros "_". wp_pures.
    wp_free. wp_pures. wp_free. iModIntro. by iApply "HΦ".
  Qed.
End lane.

(** * A whole program *)

(* Two callbacks count their runs. One thread cancels. The owner registers d in slot 1, unregisters it and waits, frees it, and reads its
   count. It registers c in slot 0, unregisters it, and if that succeeds registers it again. At the end all memory is freed. *)
Definition come_and_wait : val := λ: "l" "d",
  let: "withdrawn" := if: try_register "l" #1 "d" = registered then unregister_and_wait "l" #1 "d" else #true in
  Free "d";; "withdrawn".
Definition come_and_go : val := λ: "l" "c",
  if: try_register "l" #0 "c" = registered then
    if: unregister "l" #0 "c" then try_register "l" #0 "c" else registered
  else canceled.
Definition owner : val := λ: "l" "c" "d" "others",
  let: "withdrawn" := come_and_wait "l" "d" in
  let: "m" := !"others" in
  (("withdrawn", "m"), come_and_go "l" "c").
Definition counter (runs : expr) : expr := ref (λ: <>, runs <- !runs + #1).
Definition lane_once : expr :=
  let: "runs" := ref #0 in
  let: "others" := ref #0 in
  let: "c" := counter "runs" in
  let: "d" := counter "others" in
  let: "l" := new_lane #2 in
  let: "both" := cancel "l" ||| owner "l" "c" "d" "others" in
  end_lane "l";;
  Free "c";;
  (Snd "both", !"runs").

(* d has not run if it was withdrawn, and else once. c has run once if it was registered last, and else never. *)
Definition runs_of (withdrawn : bool) : Z := if withdrawn then 0 else 1.
Definition right (v : val) : Prop :=
  ∃ (withdrawn : bool) (w : val) (m n : Z), v = (((#withdrawn, #m), w), #n)%V ∧
    m = runs_of withdrawn ∧ (w = registered ∧ n = 1%Z ∨ w = canceled ∧ n = 0%Z).

Section proof.
  Context `{!heapGS Σ, !laneG Σ, !spawnG Σ}.

  Definition body (runs : loc) : val := λ: <>, #runs <- !#runs + #1.

  Section callbacks.
    Context (c d runs others : loc).
    (* A callback of the program and its count. *)
    Definition counted (n : Z) (x : loc) : iProp Σ :=
      ∃ r : loc, ⌜x = c ∧ r = runs ∨ x = d ∧ r = others⌝ ∗ x ↦ body r ∗ r ↦ #n.
    Lemma counted_run x : counted 0 x -∗ WP (! #x) #() {{ _, counted 1 x }}.
    Proof.
      iIntros "(%r & %Hx & Hx & Hr)". wp_load. wp_lam. wp_load. wp_store. iModIntro. iExists r. by iFrame.
    Qed.
    Lemma counted_c n : c ≠ d → counted n c -∗ c ↦ body runs ∗ runs ↦ #n.
    Proof. iIntros (Hne) "(%r & %Hx & Hx & Hr)". destruct Hx as [[_ ->]|[? _]]; [iFrame|done]. Qed.
    Lemma counted_d n : c ≠ d → counted n d -∗ d ↦ body others ∗ others ↦ #n.
    Proof. iIntros (Hne) "(%r & %Hx & Hx & Hr)". destruct Hx as [[? _]|[_ ->]]; [done|iFrame]. Qed.

    Notation before := (counted 0).
    Notation after := (counted 1).

    Lemma come_and_wait_spec γ l q :
      c ≠ d →
      {{{ is_lane before after γ l ∗ handle γ q ∗ before d ∗ free γ 1 }}}
        come_and_wait l #d
      {{{ (withdrawn : bool), RET #withdrawn; handle γ q ∗ used γ 1 ∗ others ↦ #(runs_of withdrawn) }}}.
    Proof using Type*.
      iIntros (Hne Φ) "(#Hl & Hown & Hd & Hfree) HΦ". wp_lam. wp_pures.
      wp_apply (G22_one_side before after _ _ _ 1 with "[$Hl $Hown $Hd $Hfree]").
      iIntros (w) "[Hown [(-> & Hr)|(-> & Hd & Hfree & _)]]"; wp_pures; last first.
      { iDestruct (counted_d with "Hd") as "[Hd Hothers]"; [done|]. wp_free. wp_pures. iModIntro. iApply ("HΦ" $! true).
        iFrame "Hown". iSplitR "Hothers"; [by iApply free_used|done]. }
      wp_apply (G22_waiter_sees before after with "[$Hl $Hown $Hr]"). iIntros (ok) "[Hown Hok]". wp_pures.
      destruct ok; iDestruct "Hok" as "[Hd Hslot]"; (iDestruct (counted_d with "Hd") as "[Hd Hothers]"; [done|]);
        wp_free; wp_pures; iModIntro; iApply "HΦ"; iFrame "Hown"; (iSplitR "Hothers"; [|done]); [by iApply free_used|done].
    Qed.

    Lemma come_and_go_spec γ l q :
      {{{ is_lane before after γ l ∗ handle γ q ∗ before c ∗ free γ 0 }}}
        come_and_go l #c
      {{{ w, RET w; handle γ q ∗ (⌜w = registered⌝ ∗ registration γ 0 c ∨ ⌜w = canceled⌝ ∗ before c ∗ used γ 0) }}}.
    Proof using Type*.
      iIntros (Φ) "(#Hl & Hown & Hc & Hfree) HΦ". wp_lam. wp_pures.
      wp_apply (G22_one_side before after _ _ _ 0 with "[$Hl $Hown $Hc $Hfree]").
      iIntros (w) "[Hown [(-> & Hr)|(-> & Hc & Hfree & _)]]"; wp_pures; last first.
      { iModIntro. iApply "HΦ". iFrame "Hown". iRight. iFrame "Hc". iSplit; [done|]. by iApply free_used. }
      wp_apply (G22_unregister_xor_ran before after with "[$Hl $Hown $Hr]"). iIntros (ok) "[Hown Hok]".
      destruct ok; wp_pures; last first.
      { iDestruct "Hok" as "[Hr _]". iModIntro. iApply "HΦ". iFrame "Hown". iLeft. by iFrame "Hr". }
      iDestruct "Hok" as "[Hc Hfree]".
      wp_apply (G22_one_side before after _ _ _ 0 with "[$Hl $Hown $Hc $Hfree]"). iIntros (w) "[Hown Hw]".
      iApply "HΦ". iFrame "Hown". iDestruct "Hw" as "[[-> Hr]|(-> & Hc & Hfree & _)]".
      - iLeft. by iFrame "Hr".
      - iRight. iFrame "Hc". iSplit; [done|]. by iApply free_used.
    Qed.

    Definition owned γ (v : val) : iProp Σ :=
      ∃ (withdrawn : bool) (m : Z) w, ⌜v = ((#withdrawn, #m), w)%V ∧ m = runs_of withdrawn⌝ ∗ used γ 1 ∗ others ↦ #m ∗
        (⌜w = registered⌝ ∗ registration γ 0 c ∨ ⌜w = canceled⌝ ∗ before c ∗ used γ 0).

    Lemma owner_spec γ l q :
      c ≠ d →
      {{{ is_lane before after γ l ∗ handle γ q ∗ before c ∗ before d ∗ free γ 0 ∗ free γ 1 }}}
        owner l #c #d #others
      {{{ v, RET v; handle γ q ∗ owned γ v }}}.
    Proof using Type*.
      iIntros (Hne Φ) "(#Hl & Hown & Hc & Hd & Hfree0 & Hfree1) HΦ". wp_lam. wp_pures.
      wp_apply (come_and_wait_spec with "[$Hl $Hown $Hd $Hfree1]"); [done|]. iIntros (withdrawn) "(Hown & Hused & Hothers)".
      wp_pures. wp_load. wp_pures.
      wp_apply (come_and_go_spec with "[$Hl $Hown $Hc $Hfree0]"). iIntros (w) "[Hown Hw]".
      wp_pures. iModIntro. iApply "HΦ". iFrame "Hown". iExists withdrawn, (runs_of withdrawn), w. by iFrame "Hused Hothers Hw".
    Qed.
  End callbacks.

  Lemma lane_once_spec : {{{ True }}} lane_once {{{ v, RET v; ⌜right v⌝ }}}.
  Proof using Type*.
    iIntros (Φ) "_ HΦ". rewrite /lane_once /counter.
    wp_alloc runs as "Hruns". wp_pures. wp_alloc others as "Hothers". wp_pures.
    wp_alloc c as "Hc". wp_pures. wp_alloc d as "Hd". wp_pures.
    iDestruct (mapsto_ne with "Hc Hd") as %Hne.
    set (before := counted c d runs others 0). set (after := counted c d runs others 1).
    wp_apply (new_lane_spec before after 2); [lia| |].
    { iIntros "!>" (x) "Hx". by iApply counted_run. }
    iIntros (γ l) "(#Hl & Hown & Hcanceller & %Hlen & Hfree)". wp_pures.
    destruct (slot_list γ) as [|g0 [|g1 [|]]] eqn:Hlist; try done.
    iDestruct "Hfree" as "(Hfree0 & Hfree1 & _)".
    iDestruct "Hown" as "[Hown1 Hown2]".
    wp_apply (wp_par (λ _, handle γ (1/2) ∗ finished γ)%I
      (λ v, handle γ (1/2) ∗ owned c d runs others γ v)%I
      with "[Hown1 Hcanceller] [Hown2 Hfree0 Hfree1 Hc Hruns Hd Hothers]").
    { wp_apply (G22_cancel before after with "[$Hl $Hown1 $Hcanceller]"). iIntros "(Hown & _ & Hfin)". iFrame "Hown Hfin". }
    { wp_apply (owner_spec c d runs others with "[$Hl $Hown2 $Hfree0 $Hfree1 Hc Hruns Hd Hothers]"); [done| |].
      - iSplitL "Hc Hruns"; [iExists runs|iExists others]; iFrame; iPureIntro; by [left|right].
      - iIntros (v) "H". iFrame "H". }
    iIntros (v1 v2) "[[Hown1 #Hfin] [Hown2 (%withdrawn & %m & %w & [-> %Hm] & Hused1 & Hothers & Hw)]]".
    iCombine "Hown1 Hown2" as "Hown". iNext.
    iAssert (|={⊤}=> handle γ 1 ∗ used γ 0 ∗ ▷ ∃ n : Z,
        ⌜w = registered ∧ n = 1%Z ∨ w = canceled ∧ n = 0%Z⌝ ∗ c ↦ body runs ∗ runs ↦ #n)%I
      with "[Hown Hw]" as ">(Hown & Hused0 & Hc)".
    { iDestruct "Hw" as "[[-> Hr]|(-> & Hc & Hused)]".
      - iMod (G22_never_lost before after with "Hl Hown Hfin Hr") as "($ & Hc & $)". iModIntro. iNext. iExists 1%Z.
        iDestruct (counted_c with "Hc") as "$"; [done|]. iPureIntro. by left.
      - iModIntro. iFrame. iNext. iExists 0%Z. iDestruct (counted_c with "Hc") as "$"; [done|]. iPureIntro. by right. }
    wp_pures. iDestruct "Hc" as (n Hn) "[Hc Hruns]".
    wp_apply (G22_end_last before after _ _ [None; None] with "[$Hl $Hown $Hused0 $Hused1]"); [by rewrite Hlist|done|]. iIntros "_".
    wp_pures. wp_free. wp_pures. wp_load. wp_pures. iModIntro. iApply "HΦ". iPureIntro. by exists withdrawn, w, m, n.
  Qed.
End proof.

(* No execution goes wrong (touches freed memory, or waits in vain at a value that is not there), and all that end, end right. *)
Theorem G22_lane σ : adequate NotStuck lane_once σ (λ v _, right v).
Proof.
  eapply (heap_adequacy #[heapΣ; laneΣ; spawnΣ]). iIntros (?) "_". wp_apply lane_once_spec; [done|]. by iIntros (v Hv).
Qed.

