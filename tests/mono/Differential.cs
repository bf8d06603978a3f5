// SPDX-License-Identifier: BSL-1.0
// Runs the scenarios of differential.cpp with .NET's own classes and prints the same trace. That file describes the
// operations.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading;

class Own : Exception { public Own(int id) : base("E" + id) {} }

class Scenario {
  const int Sources = 5;
  readonly CancellationTokenSource[] source = new CancellationTokenSource[Sources];
  readonly CancellationToken[] token = new CancellationToken[Sources];
  readonly List<int>[] parents = new List<int>[Sources];
  readonly bool[] reused = new bool[Sources];
  readonly bool[] disposed = new bool[Sources];
  readonly List<CancellationTokenRegistration> registrations = new List<CancellationTokenRegistration>();
  readonly List<int> of = new List<int>();
  readonly StringBuilder trace;
  int callbacks, depth;

  public Scenario(StringBuilder t) { trace = t; }

  static string Flat(Exception e) {
    var a = e as AggregateException;
    if (a != null) {
      var parts = new List<string>();
      foreach (var i in a.InnerExceptions) parts.Add(Flat(i));
      return "[" + string.Join(" ", parts) + "]";
    }
    if (e is Own) return e.Message;
    if (e is ObjectDisposedException) return "ODE";
    if (e is OperationCanceledException) return "OCE";
    if (e is ArgumentOutOfRangeException) return "RANGE";
    return e.GetType().Name;
  }
  void Say(string s) { trace.Append(' ').Append(s); }
  void Try(Action a) {
    try { a(); } catch (Exception e) { Say("!" + Flat(e)); }
  }

  void Callback(int id, int act, int x) {
    Say("c" + id);
    if (depth > 8) return;
    ++depth;
    try {
      switch (act) {
        case 1: throw new Own(id);
        case 2: if (source[x] != null) source[x].Cancel(); break;
        case 3: Unregister(x); break;
        case 4: Dispose(x); break;
        case 5: Register(x, 0, 0); break;
        case 6: Query(x); break;
        case 7: if (source[x] != null) source[x].Cancel(true); break;
        case 8: if (source[x] != null) token[x].ThrowIfCancellationRequested(); break;
      }
    } finally { --depth; }
  }
  void Register(int s, int act, int x) {
    if (source[s] == null || reused[s]) return;
    int id = callbacks++, at = registrations.Count;
    registrations.Add(default(CancellationTokenRegistration));
    of.Add(s);
    registrations[at] = token[s].Register(() => Callback(id, act, x));
    Say("r" + (registrations[at].Equals(default(CancellationTokenRegistration)) ? 0 : 1));
  }
  void Unregister(int r) {
    if (registrations.Count == 0) return;
    r %= registrations.Count;
    reused[of[r]] = true;
    registrations[r].Dispose();
  }
  void Dispose(int s) {
    if (source[s] == null) return;
    if (parents[s] != null) foreach (int p in parents[s]) reused[p] = true;
    disposed[s] = true;
    source[s].Dispose();
    Say("d");
  }
  void Query(int s) {
    if (source[s] == null) return;
    Say("q" + (source[s].IsCancellationRequested ? 1 : 0) + (token[s].IsCancellationRequested ? 1 : 0) +
        (token[s].CanBeCanceled ? 1 : 0));
  }
  void Link(int s, int a, int b) {
    if (source[s] != null || source[a] == null || source[b] == null || reused[a] || reused[b]) return;
    source[s] = CancellationTokenSource.CreateLinkedTokenSource(token[a], token[b]);
    token[s] = source[s].Token;
    parents[s] = new List<int> { a, b };
    Query(s);
  }

  public void Run(int op, int a, int b, int c) {
    switch (op) {
      case 0: if (source[a] == null) { source[a] = new CancellationTokenSource(); token[a] = source[a].Token; } break;
      case 1: Try(() => Link(a, b, c)); break;
      case 2: Try(() => Register(a, b, c)); break;
      case 3: Try(() => Unregister(a)); break;
      case 4: Try(() => { if (source[a] != null) source[a].Cancel(b == 1); }); break;
      case 5: Try(() => Dispose(a)); break;
      case 6: Query(a); break;
      case 7: Try(() => { if (source[a] != null) token[a].ThrowIfCancellationRequested(); }); break;
      case 8: Try(() => {
        int id = callbacks++;
        var fixedToken = b == 0 ? CancellationToken.None : new CancellationToken(true);
        var r = fixedToken.Register(() => Callback(id, a == 1 ? 1 : 0, 0));
        Say("f" + (r.Equals(default(CancellationTokenRegistration)) ? 0 : 1));
      }); break;
      case 9: Try(() => { if (source[a] != null && !disposed[a]) source[a].CancelAfter(-2); }); break;
      case 10: if (source[a] != null && source[b] != null) Say("e" + (token[a] == token[b] ? 1 : 0)); break;
      case 11: Try(() => { if (source[a] != null) Say("t" + (source[a].Token == token[a] ? 1 : 0)); }); break;
      case 12: Try(() => { if (source[a] != null) Say("w" + (token[a].WaitHandle.WaitOne(0) ? 1 : 0)); }); break;
    }
    trace.Append(';');
  }
}

static class Differential {
  static void Main(string[] args) {
    var trace = new StringBuilder();
    Scenario s = null;
    foreach (var line in File.ReadLines(args[0])) {
      var n = line.Split(' ');
      if (n[0] == "S") {
        if (s != null) trace.Append('\n');
        s = new Scenario(trace);
        continue;
      }
      s.Run(int.Parse(n[0]), int.Parse(n[1]), int.Parse(n[2]), int.Parse(n[3]));
    }
    trace.Append('\n');
    File.WriteAllText(args[1], trace.ToString());
  }
}
