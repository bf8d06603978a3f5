// SPDX-License-Identifier: BSL-1.0
// Draws an execution that Relacy has printed (docs/histories.md): threads as lanes, steps from top to bottom, stale reads marked and
// tied to the older write that they saw, the broken promise at the end.
'use strict';

const svgTag = (name, attributes, text) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
};

// [{thread, kind, site, place, word, value, before, order, stale, plain, text}]; kind: read, write, change, fail, note, broken
function parseHistory(text) {
  const steps = [];
  let setUp = true;
  for (const line of text.split('\n')) {
    if (/^thread \d+:/.test(line)) break;  // each thread's own steps follow: the same again
    const m = /^\[(\d+)\] (\d+): (.*), in ([^,]*), (.*)\((\d+)\)\s*$/.exec(line);
    if (!m) continue;
    const [, , thread, what, site, file, row] = m;
    const step = {thread: Number(thread), site, place: file.replace(/^.*\/(core|models|tests)\//, '$1/') + ':' + row, setUp};
    const word = /^<(0x[0-9a-f]+)> (.*)$/.exec(what);
    if (!word) {
      if (/BEFORE END/.test(what)) { setUp = false; continue; }
      if (/BEGIN|END\]/.test(what)) continue;
      const thread_end = /THREAD FINISHED/.test(what);
      steps.push({...step, kind: /DATA RACE|ASSERT|FAILED|LIVELOCK|DEADLOCK|ACCESS|LEAK|ERROR|DOUBLE|UNINIT/.test(what) ? 'broken' : 'note',
                  text: thread_end ? 'ends' : what.replace(/addr=\S+, /, '').replace(/^USER ASSERT FAILED \((.*)\)$/, '$1')});
      continue;
    }
    step.word = word[1];
    const does = word[2];
    const field = name => (new RegExp('\\b' + name + '=([^, ]+)').exec(does) || [])[1];
    step.order = field('order');
    step.stale = /NOT CURRENT/.test(does);
    if (/^(load|store), /.test(does)) {
      if (site !== 'read' && site !== 'write') continue;  // the models' own bookkeeping of lifetimes
      steps.push({...step, kind: /^load/.test(does) ? 'read' : 'write', plain: true, value: field('value')});
    } else if (/^atomic load/.test(does)) steps.push({...step, kind: 'read', value: field('value')});
    else if (site === 'construct' || site === 'hold') continue;
    else if (/^atomic store/.test(does)) steps.push({...step, kind: 'write', value: field('value')});
    else if (/^CAS succ/.test(does)) steps.push({...step, kind: 'change', before: field('orig'), value: field('xchg')});
    else if (/^CAS/.test(does)) steps.push({...step, kind: 'fail', value: field('orig')});
    else steps.push({...step, kind: 'change', before: field('prev'), value: field('new')});
  }
  return steps;
}

// Names for words and values, in the order in which they appear.
function naming(steps) {
  const bases = {}, words = {}, things = {};
  for (const s of steps) {
    if (!s.word || words[s.word]) continue;
    const base = s.plain ? 'plain' : s.site.replace(/_.*$/, '');
    (bases[base] ??= []).push(s.word);
    words[s.word] = {base, nth: bases[base].length};
  }
  const nameOf = w => words[w].base + (bases[words[w].base].length > 1 ? ' ' + words[w].nth : '');
  const thing = address => things[address] ??= '#' + (Object.keys(things).length + 1);
  const value = (w, v) => {
    if (v === undefined) return '';
    let n;
    try { n = BigInt(v); } catch { return v; }
    const large = n >= 4096n * 1024n;
    if (words[w].base === 'slot') {
      const kind = Number(n & 3n);
      if (kind === 3) return 'done';
      if (kind === 0) return n === 0n ? 'unused' : 'dead in generation ' + (n >> 10n);
      return (kind === 1 ? 'live ' : 'running ') + thing(n & ~3n);
    }
    if (words[w].base === 'gen') return (n >> 10n) + ((n & 512n) !== 0n ? ' sealed' : '');
    if (words[w].base === 'cursor') return 'generation ' + (n >> 10n) + ', slot ' + (n & 511n);
    if (large) return thing(n & ~1n) + ((n & 1n) === 0n ? '' : {top: ' closed', older: ' marked'}[words[w].base] ?? '');
    return String(n);
  };
  return {nameOf, value};
}

function describeStep(s, names) {
  if (!s.word) return s.text;
  const what = names.nameOf(s.word), value = names.value(s.word, s.value);
  if (s.kind === 'read') return `${what} is ${value}`;
  if (s.kind === 'write') return `${what} := ${value}`;
  if (s.kind === 'fail') return `${what} is ${value}: left alone`;
  return `${what}: ${names.value(s.word, s.before)} → ${value}`;
}

// Returns an <svg>, or null if the text holds no history.
function drawHistory(text, withSetUp = false) {
  const all = parseHistory(text);
  const names = naming(all);
  let steps = all.filter(s => withSetUp || !s.setUp);
  if (steps.length === 0) return null;
  const most = 240;
  if (steps.length > most)
    steps = [...steps.slice(0, most / 2), {thread: 0, kind: 'note', text: `… ${steps.length - most} steps …`}, ...steps.slice(-most / 2)];
  const threads = Math.max(...steps.map(s => s.thread)) + 1;
  const lane = 330, row = 24, top = 34, left = 10;
  const x = t => left + t * lane, y = i => top + i * row;
  const svg = svgTag('svg', {width: left * 2 + threads * lane, height: top + steps.length * row + 12, class: 'history', role: 'img'});
  svg.dataset.steps = steps.length;
  for (let t = 0; t < threads; ++t) {
    svg.append(svgTag('text', {x: x(t) + 6, y: 20, class: 'thread'}, 'thread ' + t));
    svg.append(svgTag('line', {x1: x(t), y1: 26, x2: x(t), y2: top + steps.length * row, class: 'lane'}));
  }
  const written = {};  // word → [{value, thread, i}]
  steps.forEach((s, i) => {
    const g = svgTag('g', {class: ['step', s.kind, s.stale ? 'stale' : '', s.plain ? 'plain' : ''].join(' ')});
    const label = describeStep(s, names) + (s.stale ? '  (stale)' : '');
    const wide = s.kind === 'broken';  // the promise: across all lanes
    g.append(svgTag('rect', {x: (wide ? left : x(s.thread)) + 4, y: y(i) + 2, width: (wide ? threads * lane : lane) - 16, height: row - 5, rx: 3}));
    g.append(svgTag('text', {x: x(s.thread) + 10, y: y(i) + 15}, label));
    if (s.order) g.append(svgTag('text', {x: x(s.thread) + lane - 18, y: y(i) + 15, class: 'order'}, s.order));
    g.append(svgTag('title', {}, `${s.site ?? ''}  ${s.place ?? ''}`));
    if (s.word && (s.kind === 'read' || s.kind === 'fail')) {
      const from = (written[s.word] ?? []).filter(w => w.value === s.value).at(-1);
      if (from && from.thread !== s.thread) {
        const x1 = x(from.thread) + (from.thread < s.thread ? lane - 12 : 4), x2 = x(s.thread) + (from.thread < s.thread ? 4 : lane - 12);
        g.append(svgTag('path', {class: 'sees', d: `M${x1},${y(from.i) + row / 2} C${(x1 + x2) / 2},${y(from.i) + row / 2} ${(x1 + x2) / 2},${y(i) + row / 2} ${x2},${y(i) + row / 2}`}));
      }
    }
    if (s.word && (s.kind === 'write' || s.kind === 'change')) (written[s.word] ??= []).push({value: s.value, thread: s.thread, i});
    svg.append(g);
  });
  return svg;
}
