// A figure of lines: drawn by uPlot, with a legend of buttons, the value under the pointer or the arrow keys, and the
// numbers as a table to copy.
const style_of = index => ({
  name: '--s' + index % 8,
  colour: getComputedStyle(document.documentElement).getPropertyValue('--s' + index % 8).trim(),
  // Neighbours differ in colour and dash, so that one shows through the other; the next eight go on with another dash.
  dash: [[], [8, 4], [2, 3], [10, 3, 2, 3]][(index + Math.floor(index / 8)) % 4],
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

// The line or mark of a legend.
const swatch = ({name, dash}, marks) => {
  const holder = element('span');
  holder.innerHTML = '<svg viewBox="0 0 28 12" aria-hidden="true">' + (marks ? `<circle cx="14" cy="6" r="4" style="fill: var(${name})"/>`
    : `<line x1="0" y1="6" x2="28" y2="6" style="stroke: var(${name})" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}"/>`) + '</svg>';
  return holder.firstChild;
};

// Legends of more lines than these fold; bands are fainter the more there are.
const shown_in_legend = 12;
const band_alpha = count => Math.max(0.05, Math.min(0.2, 1.2 / count));
// Very many lines are thin and let each other through.
const usual_width = count => count > 40 ? 1.25 : 2;
const usual_alpha = count => count > 40 ? 0.6 : 1;
// A colour "#rrggbb", so opaque.
const faint = (colour, alpha) => colour + Math.round(255 * alpha).toString(16).padStart(2, '0');

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

// `series(axis)`: [{label, key, points: [[x, y]], low, high, marks, index}], `key` where two labels may be alike, `low` and
// `high` the points of a band, which `band` says in words, `place` the one in the legend where that is not the drawing's; `text`: of a value, with so many digits; `fixed`: an axis that
// stays; `before`: the figure that it goes before, else it is the last.
const charts = [];
const add_chart = ({title, note, series, text, fixed, log, before, band}) => {
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
  const chart = {hidden: new Set(), lines: [], plot: null, zoomed: false, against: '', unfolded: false};
  const rows = () => {
    const lines = chart.lines;
    const xs = [...new Set(lines.flatMap(line => line.points.map(p => p[0])))].sort((a, b) => a - b);
    const columns = lines.flatMap(line => [
      {label: line.label, values: new Map(line.points)},
      ...(line.low ? [{label: line.label + ', lowest', values: new Map(line.low)}, {label: line.label + ', highest', values: new Map(line.high)}] : []),
    ]);
    return [[chart.axis.label, ...columns.map(c => c.label)], ...xs.map(x => [x, ...columns.map(c => c.values.get(x) ?? '')])];
  };
  // The place of a line among the series of the plot.
  chart.at = i => 1 + 2 * chart.bands.length + i;
  const figure = make_figure(title, note, element('div', {}, legend, plot, value), rows);
  figure.dataset.chart = title;

  // Takes the lines as they are now. What it gives decides how they are drawn: a change of it needs another plot.
  const read = () => {
    chart.axis = fixed || axes[state.axis];
    chart.lines = series(chart.axis).filter(line => line.points.length);
    figure.hidden = chart.lines.length === 0;
    chart.lines.forEach((line, i) => { line.style = style_of(line.index ?? i); line.key ??= line.label; });
    // The lower and upper ends of the bands, then the lines, which so lie on top of them.
    const banded = chart.lines.filter(line => line.low);
    chart.bands = banded.map((line, k) => ({line, at: 1 + 2 * k}));
    const curves = [...banded.flatMap(line => [line.low, line.high]), ...chart.lines.map(line => line.points)];
    chart.joined = chart.lines.length ? uPlot.join(curves.map(curve => [curve.map(p => p[0]), curve.map(p => p[1])])) : [[]];
    const positive = curves.every(curve => curve.every(p => p[1] > 0));
    const x_positive = chart.joined[0].every(x => x > 0);
    chart.distr = {x: state.log && x_positive ? 3 : 1, y: (log || state.log) && positive ? 3 : 1};
    return JSON.stringify([chart.axis.label, state.log, chart.distr, chart.lines.map(line => [line.key, line.label, line.style, line.points.length < 30])]);
  };

  const draw_legend = () => {
    const focused = legend.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const buttons = chart.lines.map((line, i) => element('button', {type: 'button', 'aria-pressed': String(!chart.hidden.has(line.key)), 'data-key': line.key,
      onpointerenter: () => chart.point(line.key), onpointerleave: () => chart.point(null), onfocus: () => chart.point(line.key), onblur: () => chart.point(null),
      onclick: event => {
        if (!chart.hidden.delete(line.key)) chart.hidden.add(line.key);
        const show = !chart.hidden.has(line.key);
        event.currentTarget.setAttribute('aria-pressed', String(show));
        chart.plot.batch(() => {
          chart.plot.setSeries(chart.at(i), {show});
          for (const {at} of chart.bands.filter(band => band.line === line)) for (const edge of [at, at + 1]) chart.plot.setSeries(edge, {show});
        });
      }}, swatch(line.style, line.marks), line.label));
    const place = i => chart.lines[i].place ?? i;
    const in_place = buttons.map((button, i) => i).sort((a, b) => place(a) - place(b)).map(i => buttons[i]);
    const folded = !chart.unfolded && buttons.length > shown_in_legend;
    const items = (folded ? in_place.slice(0, shown_in_legend / 2) : in_place).map(button => element('li', {}, button));
    if (folded) {
      items.push(element('li', {}, element('button', {type: 'button', class: 'more', onclick: () => { chart.unfolded = true; draw_legend(); }}, `${buttons.length - shown_in_legend / 2} more`)));
    }
    if (chart.bands.length) items.push(element('li', {class: 'band'}, band));
    legend.replaceChildren(...items);
    buttons.find(button => button.dataset.key === focused)?.focus();
  };

  // Brings a line out among the others, or, with null, none.
  chart.point = key => {
    if (!chart.plot || chart.pointed === key || (key !== null && !chart.lines.some(line => line.key === key))) return;
    chart.pointed = key;
    const count = chart.lines.length;
    const alpha = line => key === null ? usual_alpha(count) : line.key === key ? 1 : 0.12;
    chart.lines.forEach((line, i) => {
      chart.plot.series[chart.at(i)].alpha = alpha(line);
      chart.plot.series[chart.at(i)].width = line.marks ? 0 : (line.key === key ? 3.5 : usual_width(count));
    });
    chart.bands.forEach(({line, at}) => { chart.plot.series[at].alpha = chart.plot.series[at + 1].alpha = alpha(line); });
    chart.plot.redraw(false);
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
    chart.pointed = null;
    chart.plot = new uPlot({
      ...size(),
      scales: {x: {time: false, distr: chart.distr.x}, y: {distr: chart.distr.y}},
      axes: [
        {...axis_style, values: (u, ticks) => tick_texts(ticks, chart.axis.text), space: 70, size: 36},
        {...axis_style, values: (u, ticks) => tick_texts(ticks, text), size: 72},
      ],
      series: [{}, ...chart.bands.flatMap(({line}) => [0, 1].map(() => ({
        label: line.label, width: 0, stroke: 'transparent', points: {show: false}, spanGaps: true, show: !chart.hidden.has(line.key),
      }))), ...chart.lines.map(line => ({
        label: line.label, stroke: line.style.colour, width: line.marks ? 0 : usual_width(chart.lines.length), alpha: usual_alpha(chart.lines.length), dash: line.style.dash, spanGaps: true,
        show: !chart.hidden.has(line.key), paths: line.marks ? () => null : line.steps ? uPlot.paths.stepped({align: 1}) : undefined,
        points: line.marks ? {show: true, size: 7, fill: line.style.colour} : {show: line.points.length < 30 && chart.lines.length <= shown_in_legend, size: 5},
      }))],
      bands: chart.bands.map(({line, at}) => ({series: [at + 1, at], fill: faint(line.style.colour, band_alpha(chart.bands.length))})),
      cursor: {y: false, drag: {x: true, y: false}},
      legend: {show: false},
      hooks: {
        setSelect: [u => { if (u.select.width > 0) chart.zoomed = true; }],
        setCursor: [u => {
          const i = u.cursor.idx;
          const there = i === null || i === undefined ? [] : chart.lines.map((line, k) => ({line, y: u.data[chart.at(k)][i]}))
            .filter(({line, y}) => Number.isFinite(y) && !chart.hidden.has(line.key));
          // Of many lines the one that the pointer is near is brought out, and read first.
          if (u.cursor.event && chart.lines.length > 1) {
            const distance = ({y}) => Math.abs(u.valToPos(y, 'y') - u.cursor.top);
            there.sort((a, b) => distance(a) - distance(b));
            chart.point(there.length && distance(there[0]) < 24 ? there[0].line.key : null);
          }
          const left_out = there.length - shown_in_legend;
          value.textContent = !there.length ? '' : chart.axis.label + ' ' + chart.axis.text(u.data[0][i]) + ': ' +
            there.slice(0, shown_in_legend).map(({line, y}) => line.label + ' ' + text(y)).join(', ') + (left_out > 0 ? `, and ${left_out} more` : '');
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
