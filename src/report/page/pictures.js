// Figures that are no lines: bars, the labels of each worker, the graph.
// `rows()`: [{label, value, index}], of what there is now.
const add_bars = (title, note, rows) => {
  const bars = element('div', {class: 'bars'});
  const figure = make_figure(title, note, bars, () => [['', 'bytes'], ...rows().map(row => [row.label, row.value])]);
  const draw = () => {
    const all = rows();
    const most = Math.max(...all.map(row => row.value), 1);
    figure.hidden = all.length === 0;
    bars.replaceChildren(...all.flatMap(row => {
      const bar = element('div', {class: 'bar'});
      bar.style.width = 100 * row.value / most + '%';
      bar.style.background = `var(--s${row.index ?? 0})`;
      return [element('span', {}, row.label), bar, element('span', {class: 'number'}, format.bytes(row.value))];
    }));
    figure.refresh();
  };
  charts.push({draw, update: draw});
  document.getElementById('figures').append(figure);
  draw();
};

const add_labels = (title, labels, names) => {
  const classes = Array.from(labels[0], (_, c) => names[c] ?? String(c));
  const most = Math.max(...labels.flat(), 1);
  const body = element('tbody');
  labels.forEach((counts, worker) => {
    const line = element('tr', {}, element('th', {scope: 'row'}, 'worker ' + worker));
    for (const count of counts) {
      const cell = element('td', {}, count ? format.count(count) : '');
      cell.style.background = `color-mix(in srgb, var(--s0) ${Math.round(55 * count / most)}%, transparent)`;
      line.append(cell);
    }
    body.append(line);
  });
  const head = element('tr', {}, element('th', {scope: 'col'}, 'label'), ...classes.map(name => element('th', {scope: 'col'}, name)));
  const table = element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title},
    element('table', {}, element('thead', {}, head), body));
  document.getElementById('figures').append(make_figure(title, 'Training samples of each label that a worker holds; the darker, the more.', table,
    () => [['worker', ...classes], ...labels.map((counts, worker) => [worker, ...counts])]));
};

const svg = (tag, attributes, text) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
};

// Few nodes stand on a circle; many are a matrix, a row for each sender.
const draw_graph = (graph, round) => {
  const links = graph.rounds[round];
  const drawing = svg('svg', {viewBox: '0 0 400 400', role: 'img', 'aria-label': `${graph.nodes} nodes, ${links.length} ${graph.directed ? 'links' : 'edges'}`});
  if (graph.nodes > 40) {
    const size = 380 / graph.nodes;
    drawing.append(svg('rect', {x: 10, y: 10, width: 380, height: 380, fill: 'none', stroke: 'var(--rule)'}));
    for (const [from, to] of links) {
      drawing.append(svg('rect', {x: 10 + to * size, y: 10 + from * size, width: Math.max(size, 1), height: Math.max(size, 1), fill: 'var(--s0)'}));
      if (!graph.directed) drawing.append(svg('rect', {x: 10 + from * size, y: 10 + to * size, width: Math.max(size, 1), height: Math.max(size, 1), fill: 'var(--s0)'}));
    }
    return drawing;
  }
  const radius = Math.max(8, Math.min(15, 420 / graph.nodes));
  const place = node => [200 + 175 * Math.sin(2 * Math.PI * node / graph.nodes), 200 - 175 * Math.cos(2 * Math.PI * node / graph.nodes)];
  const marker = svg('marker', {id: 'arrow', viewBox: '0 0 10 10', refX: 9, refY: 5, markerWidth: 7, markerHeight: 7, orient: 'auto'});
  marker.append(svg('path', {d: 'M0 0L10 5L0 10z', fill: 'var(--s0)'}));
  drawing.append(marker);
  for (const [from, to] of links) {
    const [ax, ay] = place(from), [bx, by] = place(to);
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const [dx, dy] = [(bx - ax) / length * radius, (by - ay) / length * radius];
    const line = svg('line', {x1: ax + dx, y1: ay + dy, x2: bx - dx, y2: by - dy, stroke: 'var(--s0)', 'stroke-width': 1.5});
    if (graph.directed) line.setAttribute('marker-end', 'url(#arrow)');
    drawing.append(line);
  }
  for (let node = 0; node < graph.nodes; ++node) {
    const [x, y] = place(node);
    drawing.append(svg('circle', {cx: x, cy: y, r: radius, fill: 'var(--paper)', stroke: 'var(--ink)'}), svg('text', {x, y}, node));
  }
  return drawing;
};

const add_graph = (title, graph) => {
  const place = element('div', {class: 'graph'}, draw_graph(graph, 0));
  const body = element('div', {}, place);
  if (graph.rounds.length > 1) {
    const shown = element('output', {}, 'round 0');
    body.prepend(element('label', {}, 'Round ', element('input', {type: 'range', min: 0, max: graph.rounds.length - 1, value: 0, oninput: event => {
      const round = Number(event.target.value);
      place.replaceChildren(draw_graph(graph, round));
      shown.textContent = 'round ' + round;
    }}), shown));
  }
  const what = graph.nodes > 40 ? ' As a matrix: a row for each sender, a column for each receiver.' : '';
  const come_again = graph.rounds.length < 2 ? '' : graph.period ? ` The ${graph.period} rounds come again and again.`
    : ` The first ${graph.rounds.length} rounds; each is drawn anew.`;
  document.getElementById('figures').append(make_figure(title, `Who sends to whom: ${graph.nodes} nodes.` + come_again + what, body,
    () => [['round', 'from', 'to'], ...graph.rounds.flatMap((links, round) => links.map(([from, to]) => [round, from, to]))]));
};
