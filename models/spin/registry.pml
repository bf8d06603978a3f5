/* SPDX-License-Identifier: BSL-1.0
 *
 * The registry's protocol in Promela: slots, generations, sealing and reopening a segment, growth, cancel, a waiting unregister, and
 * dispose at the end. Sequentially consistent: what weaker orders could break is Relacy's matter (models/*.cpp). Names are those of
 * core/include/cts/core/; each statement between two labels of a process is one atomic operation there.
 *
 * Spin explores every interleaving: no callback is lost, none runs twice, one that was refused or taken back never runs, one that was
 * waited for does not run any more, last in first out for each registrant, nothing is left when it is disposed; and, under weak fairness,
 * every process ends, that is every wait. Each -DBROKEN_… builds in a defect and must make Spin find an error.
 *
 * Not modelled: moving an empty segment from further down to the top (recycling.hpp, sweep), stripes, callbacks that come back to their
 * registry. Those are Relacy's.
 */
#ifndef SLOTS
#define SLOTS 2                /* of a segment */
#endif
#define SEGMENTS 2             /* the one inside the registry, and one that is allocated */
#define CALLBACKS 4            /* 0 to 2: one registrant, in this order; 3: another one */

/* A slot's word: dead(generation) is the generation; live, running and done are above all of them. */
#define LIVE(c) (100 + (c))
#define RUNNING(c) (200 + (c))
#define DONE 250
#define is_dead(w) ((w) < 100)
#define is_unused(w, g) (is_dead(w) && (w) < (g))
#define SEAL 64                /* in a generation */
#define is_sealed(g) ((g) >= SEAL)
#define CLOSED 8               /* in top */

byte slot[SLOTS * SEGMENTS];
byte gen[SEGMENTS];
byte top;                      /* index of the top segment, and CLOSED */
byte older[SEGMENTS];          /* 255: none */
bool allocated;                /* segment 1 */
bool flag;                     /* what pollers read */

/* What the checks know. */
byte ran[CALLBACKS], began[CALLBACKS], order[CALLBACKS], running;
bool registered[CALLBACKS], refused[CALLBACKS], taken[CALLBACKS], waited[CALLBACKS];
byte ended;

#define at(s, i) slot[(s) * SLOTS + (i)]

/* ok = compare-and-swap(word, seen, now) */
#define CAS(word, seen, now, ok) \
  d_step { \
    if \
    :: word == (seen) -> word = (now); ok = true \
    :: else -> ok = false \
    fi \
  }

/* Claims the segment s of generation g if all its slots are dead, and opens the next generation; ok: it did. */
inline restart(s, g, i, ok) {
  ok = !is_sealed(g);
  i = 0;
  do
  :: i < SLOTS && ok -> ok = is_dead(at(s, i)); i++
  :: else -> break
  od;
  if
  :: ok -> CAS(gen[s], g, (g) + SEAL, ok)
  :: else
  fi;
  if
  :: ok ->
#ifndef BROKEN_NO_VERIFY
     i = 0;
     do
     :: i < SLOTS && ok -> ok = is_dead(at(s, i)); i++
     :: else -> break
     od;
#endif
     if
#ifdef BROKEN_RESET_WITHOUT_GENERATION
     :: ok -> gen[s] = g
#else
     :: ok -> gen[s] = (g) + 1
#endif
     :: else -> gen[s] = g      /* unseal */
     fi
  :: else
  fi
}

inline enter(c) {
  do
  :: t = top;
     if
     :: t >= CLOSED -> refused[c] = true; flag = true; break      /* help() */
     :: else
     fi;
     g = gen[t];
     where = 255;
     if
     :: is_sealed(g)
     :: else ->
        i = 0;
        do
        :: i < SLOTS ->
           seen = at(t, i);
           if
           :: is_unused(seen, g) -> where = i; break
           :: else -> i++
           fi
        :: else -> break
        od;
        if                                                        /* the slot just below the frontier, if it died in this generation */
        :: where != 255 && where > 0 && at(t, where - 1) == g ->
           if                                                     /* and with the next one dead too perhaps all are */
           :: where > 1 && at(t, where - 2) == g -> restart(t, g, i, ok)
           :: else -> ok = false
           fi;
           if
           :: ok -> where = 254                                   /* start over */
           :: else -> where = where - 1; seen = g
           fi
        :: else
        fi
     fi;
     if
     :: where == 254
     :: where < 254 ->
        CAS(at(t, where), seen, LIVE(c), ok);
        if
        :: !ok                                                    /* another registrant was here */
        :: else ->
           mine[c] = t * SLOTS + where;
           born[c] = g;
#ifdef BROKEN_NO_RECHECK_OF_GENERATION
           now = g;
#else
           now = gen[t];
#endif
#ifdef BROKEN_NO_RECHECK_OF_TOP
           over = t;
#else
           over = top;
#endif
           if
           :: now == g && (over == t || over < CLOSED) -> registered[c] = true; break
           :: else ->                                             /* retract */
              CAS(slot[mine[c]], LIVE(c), (is_sealed(now) -> now - SEAL + 1 : now), ok);
              if
#ifdef BROKEN_LOSE_ON_FAILED_RETRACT
              :: !ok -> refused[c] = true; break
#else
              :: !ok -> registered[c] = true; break               /* the canceller has it */
#endif
              :: ok && over >= CLOSED -> refused[c] = true; flag = true; break
              :: ok && over < CLOSED
              fi
           fi
        fi
     :: else ->
        restart(t, g, i, ok);
        if
        :: ok
        :: else ->
           d_step { if :: !allocated -> allocated = true; ok = true :: else -> ok = false fi }
           if
           :: ok ->
              older[1] = t;
              CAS(top, t, 1, ok);
              if
              :: ok
              :: else -> allocated = false
              fi
           :: else -> (gen[t] != g || top != t)                   /* no memory: the model waits where the code reports it */
           fi
        fi
     fi
  od
}

inline unregister(c) {
  if
  :: registered[c] ->
#ifdef BROKEN_UNREGISTER_WITHOUT_COMPARE
     slot[mine[c]] = born[c];
     ok = true;
#else
     CAS(slot[mine[c]], LIVE(c), born[c], ok);
#endif
     if
     :: ok -> taken[c] = true
     :: else ->
#ifndef BROKEN_NO_WAIT
        (slot[mine[c]] != RUNNING(c));
#endif
        waited[c] = true;
        assert(began[c] == ran[c])
     fi
  :: else
  fi
}

byte mine[CALLBACKS], born[CALLBACKS];

/* Fills a segment, empties it, registers once more. */
proctype first() {
  byte t, g, i, seen, now, over, where;
  bool ok;
  enter(0);
  enter(1);
  unregister(0);
  unregister(1);
  enter(2);
  ended++
}
proctype second() {
  byte t, g, i, seen, now, over, where;
  bool ok;
  enter(3);
  unregister(3);
  ended++
}

proctype canceller() {
  byte s, i, j, w, c;
  bool ok;
#ifdef BROKEN_SCAN_BEFORE_CLOSE
  s = top;
#else
  d_step { s = top; top = top + CLOSED }
#endif
  flag = true;
  do
  :: i = 0;
     do
     :: i < SLOTS ->
        i++;
#ifdef BROKEN_SCAN_OLDEST_FIRST
        j = i - 1;
#else
        j = SLOTS - i;
#endif
        w = at(s, j);
        if
        :: w >= 100 && w < 200 ->
           c = w - 100;
#ifdef BROKEN_TAKE_WITHOUT_COMPARE
           at(s, j) = RUNNING(c);
           ok = true;
#else
           CAS(at(s, j), w, RUNNING(c), ok);
#endif
           if
           :: ok ->
              assert(!waited[c]);                                 /* nothing runs after it was waited for */
              assert(!taken[c]);
              began[c]++;
              running++;
              order[c] = running;
              ran[c]++;
#ifdef BROKEN_NEVER_DONE
              skip
#else
              at(s, j) = DONE
#endif
           :: else
           fi
        :: else
        fi
     :: else -> break
     od;
     if
     :: older[s] == 255 -> break
     :: else -> s = older[s]
     fi
  od;
#ifdef BROKEN_SCAN_BEFORE_CLOSE
  top = top + CLOSED;
#endif
  ended++
}

init {
  byte c, i;
  atomic {
    gen[0] = 1;
    gen[1] = 1;
    older[0] = 255;
    older[1] = 255;
    run first();
    run second();
    run canceller()
  }
  (ended == 3);
  /* dispose: it comes last, so it may look at everything */
  atomic {
    assert(flag);
    c = 0;
    do
    :: c < CALLBACKS ->
       assert(registered[c] || refused[c]);
       assert(!(registered[c] && refused[c]));
       assert(ran[c] == ((registered[c] && !taken[c]) -> 1 : 0));
       c++
    :: else -> break
    od;
    assert(!(ran[0] == 1 && ran[1] == 1) || order[1] < order[0]);
    assert(!(ran[1] == 1 && ran[2] == 1) || order[2] < order[1]);
    assert(!(ran[0] == 1 && ran[2] == 1) || order[2] < order[0]);
    i = 0;
    do
    :: i < SLOTS * SEGMENTS -> assert(is_dead(slot[i]) || slot[i] == DONE); i++
    :: else -> break
    od
  }
}

ltl ends { <> (ended == 3) }
