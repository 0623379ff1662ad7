// The summary table of a comparison: a line for each group, sorted by the column whose head is pressed.
const mean_text = (spread, text, deviation_text) => {
  if (!spread) return '–';
  return text(spread.mean) + (spread.deviation && deviation_text ? ' ± ' + deviation_text(spread.deviation) : '');
};

const columns_of = groups => {
  const has = key => groups.some(group => group[key]);
  const points = x => format.significant(100 * x, 2);
  const column = (key, label, text, deviation_text, best) => ({
    label, value: group => group[key]?.mean, text: group => mean_text(group[key], text, deviation_text), best,
  });
  const most = Math.max(...groups.map(group => group.wire_bytes?.mean ?? 0));
  const score = (key, label) => [
    ...(has(key + 'accuracy') ? [column(key + 'accuracy', label + ' accuracy', format.percent, points, 'most')] : []),
    ...(has(key + 'r2') ? [column(key + 'r2', label + ' R2', format.significant, x => format.significant(x, 2), 'most')] : []),
  ];
  const plain = x => format.significant(x, 2);
  return [
    {label: 'rank', value: group => group.rank, text: group => group.rank ?? '–', best: 'least'},
    {label: 'group', value: group => group.name, name: true, best: 'least'},
    {label: 'runs', value: group => group.runs, text: group => group.runs + (group.unfinished ? `, ${group.unfinished} failed` : ''), best: 'most'},
    ...score('validation_', 'validation'),
    ...score('', 'test'),
    ...(has('loss') ? [column('loss', 'test loss', format.significant, plain, 'least')] : []),
    column('wire_bytes', 'on the wire', format.bytes, null, 'least'),
    {label: 'fewer bytes', value: group => group.wire_bytes?.mean ? most / group.wire_bytes.mean : null,
     text: group => group.wire_bytes?.mean ? format.significant(most / group.wire_bytes.mean) + 'x' : 'no bytes', best: 'most'},
    column('steps', 'steps', format.count, null, 'least'),
    column('syncs', 'syncs', format.significant, null, 'least'),
    column('time_s', 'time', format.seconds, null, 'least'),
    ...(groups.length > 1 ? [{label: 'front', value: group => group.pareto ? 1 : 0, text: group => group.pareto ? '*' : '', best: 'most'}] : []),
  ];
};

// `groups` as sweep.json has them, each with its `style`; `shown` tells whether the filter lets one through; `point` is
// called with the name of a group that is pointed at, or with null.
const make_table = (groups, shown, point) => {
  const columns = columns_of(groups);
  let by = 0, reversed = false;
  const body = element('tbody');
  const heads = columns.map((column, i) => element('th', {scope: 'col', class: column.name ? 'name' : undefined}, element('button', {type: 'button', onclick: () => {
    reversed = by === i && !reversed;
    by = i;
    fill();
  }}, column.label)));
  // What has no value comes last in either direction.
  const compare = (a, b) => {
    const {value, best} = columns[by];
    const [x, y] = [value(a) ?? null, value(b) ?? null];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === 'string' ? x.localeCompare(y, 'en', {numeric: true}) : x - y;
    return (best === 'most' ? -order : order) * (reversed ? -1 : 1);
  };
  const fill = () => {
    heads.forEach((head, i) => {
      const rises = (columns[i].best === 'least') !== reversed;
      if (i === by) head.setAttribute('aria-sort', rises ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    });
    const sorted = groups.filter(shown).sort(compare);
    body.replaceChildren(...sorted.map(group => element('tr', {onpointerenter: () => point(group.name), onpointerleave: () => point(null)},
      ...columns.map(column => column.name
        ? element('th', {scope: 'row'}, swatch(style_of(group.style)), group.name + (group.marks ? ' ' + group.marks : ''))
        : element('td', {}, String(column.text(group)))))));
  };
  fill();
  return {table: element('table', {}, element('thead', {}, element('tr', {}, ...heads)), body), fill};
};
