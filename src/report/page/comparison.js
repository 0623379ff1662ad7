// The page of a comparison put together: the summary table with its filter, a figure with a line for each group, the jobs.
const {comparison, charts: drawn} = data;
const groups = comparison.groups.map((group, style) => ({...group, ...data.groups[style], style}));
const runs_in_all = groups.reduce((sum, group) => sum + group.runs, 0);

// Words that a group's name, strategy and settings must all have; one with "-" before it they must not.
const words_of = group => [group.name, group.strategy, ...Object.entries(group.settings).map(([key, value]) => key + '=' + value)].join(' ').toLowerCase();
let wanted = [];
const is_shown = group => wanted.every(word => word.startsWith('-') && word.length > 1 ? !group.words.includes(word.slice(1)) : group.words.includes(word));
groups.forEach(group => { group.words = words_of(group); });

const head = () => {
  const title = groups.length === 1 ? groups[0].name : 'Comparison of ' + groups.length + ' groups of runs';
  document.title = title + ' – laconic';
  document.getElementById('title').textContent = title;
  const best = groups.find(group => group.rank === 1);
  document.getElementById('lead').textContent = format.count(runs_in_all) + ' runs' +
    (groups.length > 1 && best ? `; best by ${comparison.ranked_by} score: ${best.name}` : '');
  document.getElementById('headline').remove();
  document.getElementById('notes').replaceChildren(...comparison.notes.map(note => element('li', {}, note)));
  const programs = [...new Set(groups.map(group => group.program))].join(', ');
  document.getElementById('foot').textContent = 'Written by ' + programs + '. Bytes are those on the wire, headers in.';
};

const summary = () => {
  const point = name => charts.forEach(chart => chart.point?.(name));
  const {table, fill} = make_table(groups, is_shown, point);
  document.getElementById('summary-table').append(table);
  const filter = document.getElementById('filter');
  const count = document.getElementById('filter-count');
  const apply = () => {
    wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const left = groups.filter(is_shown).length;
    count.textContent = wanted.length ? `${left} of ${groups.length} groups` : '';
    fill();
    redraw();
  };
  filter.addEventListener('input', apply);
  document.getElementById('filter-label').hidden = groups.length < 2;
  document.getElementById('summary').hidden = false;
};

const figures = () => {
  for (const chart of drawn.charts) {
    add_chart({title: chart.title, note: chart.note, text: format[chart.unit], log: chart.logarithmic,
      fixed: chart.steps_alone ? steps_or_epochs : undefined, band: drawn.band,
      series: axis => chart.lines.filter(line => is_shown(groups[line.style])).map(line => {
        const xs = drawn.positions[line.positions][axis.key];
        const along = ys => in_order(xs.map((x, i) => [x, ys[i]]));
        return {label: line.name + (line.runs > 1 ? ` (n=${line.runs})` : ''), key: groups[line.style].name, index: line.style, place: groups[line.style].rank ?? groups.length + line.style,
          points: along(line.mean), ...(line.low ? {low: along(line.low), high: along(line.high)} : {})};
      })});
  }
  if (groups.length <= 30) {
    add_bars('Bytes of each group', 'On the wire, headers in; means over the runs.', () => groups.filter(is_shown).map(group => ({label: group.name, value: group.wire_bytes?.mean ?? 0, index: group.style % 8})));
  }
  // What groups have alike is drawn once.
  for (const [part, title, add] of [['labels', 'Labels by worker', w => t => add_labels(t, w.labels, w.classes || [])], ['graph', 'Graph', w => t => add_graph(t, w.graph)]]) {
    const alike = new Map();
    for (const group of groups.filter(group => group.workers?.[part])) {
      const text = JSON.stringify(group.workers[part]);
      alike.set(text, [...(alike.get(text) ?? []), group]);
    }
    for (const having of alike.values()) {
      add(having[0].workers)(title + (alike.size === 1 && having.length === groups.length ? '' : ', ' + having.map(group => group.name).join(', ')) + (part === 'labels' ? having[0].whose_labels ?? '' : ''));
    }
  }
  document.getElementById('job-heading').textContent = 'Jobs';
  for (const group of groups) {
    const text = element('pre', {tabindex: '0', 'aria-label': 'Job of ' + group.name}, group.job);
    document.getElementById('jobs').append(element('details', {}, element('summary', {}, group.name), text));
  }
};

head();
summary();
figures();
controls();
