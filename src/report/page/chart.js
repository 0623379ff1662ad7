// A figure of lines: drawn by uPlot, with a legend of buttons, the value under the pointer or the arrow keys, and the
// numbers as a table to copy.
const style_of = index => ({
  colour: getComputedStyle(document.documentElement).getPropertyValue('--s' + index % 8).trim(),
  // Of eight colours two neighbours have one dash; the next eight go on with another.
  dash: [[], [8, 4], [2, 3], [10, 3, 2, 3]][(Math.floor(index / 2) + Math.floor(index / 8)) % 4],
});
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const element = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};

let figures_made = 0;
// The frame of a figure: caption, and, where `rows` gives a table (an array of rows, the first its head), the numbers.
const make_figure = (title, text, body, rows) => {
  const id = 'figure-' + ++figures_made;
  const caption = element('figcaption', {}, element('h3', {id}, title), element('p', {}, text));
  const figure = element('figure', {'aria-labelledby': id}, caption, body);
  if (rows) {
    const scroll = element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title + ', numbers'});
    const said = element('span', {role: 'status'});
    const copy = element('button', {type: 'button', class: 'copy', onclick: async () => {
      const lines = rows().map(row => row.join('\t')).join('\n');
      let done = true;
      try {
        await navigator.clipboard.writeText(lines);
      } catch {  // a page from a file, or from another machine, may have no clipboard
        const area = element('textarea', {'aria-hidden': 'true'});
        area.value = lines;
        document.body.append(area);
        area.select();
        done = document.execCommand('copy');
        area.remove();
        copy.focus();
      }
      said.textContent = done ? ' copied' : ' the browser did not let them be copied';
      setTimeout(() => said.textContent = '', 2000);
    }}, 'Copy the numbers');
    const fill = () => {
      if (!details.open) return;
      // What a reader has marked stays until it is let go.
      const marked = getSelection();
      if (scroll.firstChild && marked && !marked.isCollapsed && scroll.contains(marked.anchorNode)) return;
      const [head, ...lines] = rows();
      scroll.replaceChildren(element('table', {},
        element('thead', {}, element('tr', {}, ...head.map(cell => element('th', {scope: 'col'}, String(cell))))),
        element('tbody', {}, ...lines.slice(0, 5000).map(line =>
          element('tr', {}, ...line.map((cell, i) => element(i ? 'td' : 'th', i ? {} : {scope: 'row'}, String(cell ?? '')))))),
      ));
      if (lines.length > 5000) scroll.append(element('p', {}, 'The first 5,000 of ' + format.count(lines.length) + ' lines; a copy has all.'));
    };
    const details = element('details', {ontoggle: fill}, element('summary', {}, 'Numbers'), copy, said, scroll);
    figure.append(details);
    figure.refresh = fill;
  }
  return figure;
};

// The texts of an axis' ticks, with as many digits as tell them apart.
const tick_texts = (ticks, text) => {
  const shown = ticks.filter(x => x !== null);
  let digits = undefined;
  for (digits = 3; digits < 8 && new Set(shown.map(x => text(x, digits))).size < shown.length; ++digits);
  return ticks.map(x => x === null ? '' : text(x, digits));
};

// `series(axis)`: [{label, key, points: [[x, y]], marks, index}], `key` where two labels may be alike; `text`: of a value,
// with so many digits; `fixed`: an axis that stays; `before`: the
// figure that it goes before, else it is the last.
const charts = [];
const add_chart = ({title, note, series, text, fixed, log, before}) => {
  // The arrow keys go from value to value, as the pointer does.
  const step = event => {
    const last = chart.joined[0].length - 1;
    const at = chart.plot?.cursor.idx ?? -1;
    const next = {ArrowRight: Math.min(at + 1, last), ArrowLeft: at < 0 ? last : Math.max(at - 1, 0), Home: 0, End: last}[event.key];
    if (next === undefined || !chart.plot) return;
    event.preventDefault();
    chart.plot.setCursor({left: chart.plot.valToPos(chart.joined[0][next], 'x'), top: 0});
  };
  const plot = element('div', {class: 'plot', tabindex: '0', role: 'group', 'aria-label': title + '; arrow keys read its values', onkeydown: step});
  const value = element('p', {class: 'value', 'aria-live': 'polite'});
  const legend = element('ul', {class: 'legend', 'aria-label': 'Lines'});
  const chart = {hidden: new Set(), lines: [], plot: null, zoomed: false, against: ''};
  const rows = () => {
    const lines = chart.lines;
    const xs = [...new Set(lines.flatMap(line => line.points.map(p => p[0])))].sort((a, b) => a - b);
    const columns = lines.map(line => new Map(line.points));
    return [[chart.axis.label, ...lines.map(line => line.label)], ...xs.map(x => [x, ...columns.map(c => c.get(x) ?? '')])];
  };
  const figure = make_figure(title, note, element('div', {}, legend, plot, value), rows);
  figure.dataset.chart = title;

  // Takes the lines as they are now. What it gives decides how they are drawn: a change of it needs another plot.
  const read = () => {
    chart.axis = fixed || axes[state.axis];
    chart.lines = series(chart.axis).filter(line => line.points.length);
    figure.hidden = chart.lines.length === 0;
    chart.lines.forEach((line, i) => { line.style = style_of(line.index ?? i); line.key ??= line.label; });
    chart.joined = chart.lines.length ? uPlot.join(chart.lines.map(line => [line.points.map(p => p[0]), line.points.map(p => p[1])])) : [[]];
    const positive = chart.lines.every(line => line.points.every(p => p[1] > 0));
    const x_positive = chart.joined[0].every(x => x > 0);
    chart.distr = {x: state.log && x_positive ? 3 : 1, y: (log || state.log) && positive ? 3 : 1};
    return JSON.stringify([chart.axis.label, state.log, chart.distr, chart.lines.map(line => [line.key, line.label, line.style, line.points.length < 30])]);
  };

  const draw_legend = () => {
    const focused = legend.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const buttons = chart.lines.map((line, i) => {
      const shape = line.marks ? `<circle cx="14" cy="6" r="4" fill="${line.style.colour}"/>`
        : `<line x1="0" y1="6" x2="28" y2="6" stroke="${line.style.colour}" stroke-width="2.5" stroke-dasharray="${line.style.dash.join(' ')}"/>`;
      const button = element('button', {type: 'button', 'aria-pressed': String(!chart.hidden.has(line.key)), 'data-key': line.key, onclick: () => {
        if (!chart.hidden.delete(line.key)) chart.hidden.add(line.key);
        button.setAttribute('aria-pressed', String(!chart.hidden.has(line.key)));
        chart.plot.setSeries(i + 1, {show: !chart.hidden.has(line.key)});
      }}, line.label);
      button.insertAdjacentHTML('afterbegin', '<svg viewBox="0 0 28 12" aria-hidden="true">' + shape + '</svg>');
      return button;
    });
    legend.replaceChildren(...buttons.map(button => element('li', {}, button)));
    buttons.find(button => button.dataset.key === focused)?.focus();
  };

  const describe = () => {
    plot.querySelector('canvas').setAttribute('aria-label', title + ' against ' + chart.axis.label + '. ' + chart.lines.map(line => {
      const [first, last] = [line.points[0], line.points[line.points.length - 1]];
      return `${line.label}: from ${text(first[1])} to ${text(last[1])}`;
    }).join('; '));
  };

  const size = () => ({width: Math.max(plot.clientWidth, 240), height: Math.max(240, Math.min(360, plot.clientWidth * 0.55))});

  // The part of the axis that the reader has chosen with the pointer.
  const chosen = () => chart.zoomed ? {min: chart.plot.scales.x.min, max: chart.plot.scales.x.max} : null;

  chart.draw = () => {
    chart.shape = read();
    if (figure.hidden) return;
    const against = chart.axis.label + chart.distr.x;
    if (against !== chart.against) chart.zoomed = false;
    chart.against = against;
    const kept = chosen();
    draw_legend();
    const ink = css('--quiet'), rule = css('--rule');
    const axis_style = {stroke: ink, grid: {stroke: rule, width: 1}, ticks: {stroke: rule}, font: '12px system-ui, sans-serif'};
    chart.plot?.destroy();
    chart.plot = new uPlot({
      ...size(),
      scales: {x: {time: false, distr: chart.distr.x}, y: {distr: chart.distr.y}},
      axes: [
        {...axis_style, values: (u, ticks) => tick_texts(ticks, chart.axis.text), space: 70, size: 36},
        {...axis_style, values: (u, ticks) => tick_texts(ticks, text), size: 72},
      ],
      series: [{}, ...chart.lines.map(line => ({
        label: line.label, stroke: line.style.colour, width: line.marks ? 0 : 2, dash: line.style.dash, spanGaps: true,
        show: !chart.hidden.has(line.key), paths: line.marks ? () => null : line.steps ? uPlot.paths.stepped({align: 1}) : undefined,
        points: line.marks ? {show: true, size: 7, fill: line.style.colour} : {show: line.points.length < 30, size: 5},
      }))],
      cursor: {y: false, drag: {x: true, y: false}},
      legend: {show: false},
      hooks: {
        setSelect: [u => { if (u.select.width > 0) chart.zoomed = true; }],
        setCursor: [u => {
          const i = u.cursor.idx;
          value.textContent = i === null || i === undefined ? '' : chart.axis.label + ' ' + chart.axis.text(u.data[0][i]) + ': ' +
            chart.lines.map((line, k) => [line, u.data[k + 1][i]]).filter(([line, y]) => Number.isFinite(y) && !chart.hidden.has(line.key))
              .map(([line, y]) => line.label + ' ' + text(y)).join(', ');
        }],
      },
    }, chart.joined, plot);
    chart.plot.over.addEventListener('dblclick', () => { chart.zoomed = false; });
    if (kept) chart.plot.setScale('x', kept);
    plot.querySelector('canvas').setAttribute('role', 'img');
    describe();
    figure.refresh();
  };

  // A window or a print that makes the columns narrower or wider.
  new ResizeObserver(() => { if (chart.plot && plot.clientWidth > 0) chart.plot.setSize(size()); }).observe(plot);

  // The same with the points that have come since; the reader's view of it stays.
  chart.update = () => {
    if (read() !== chart.shape || !chart.plot) return chart.draw();
    const kept = chosen();
    chart.plot.batch(() => {
      chart.plot.setData(chart.joined, !kept);
      if (kept) chart.plot.setScale('x', kept);
    });
    describe();
    figure.refresh();
  };
  charts.push(chart);
  document.getElementById('figures').insertBefore(figure, before || null);
  return figure;
};
