// How the figures are drawn: the axis, logarithms, colours; and what becomes of the page on paper.
const redraw = () => charts.forEach(chart => chart.draw());

const controls = () => {
  const axis = document.getElementById('axis');
  for (const [name, {label}] of Object.entries(axes)) {
    axis.append(element('label', {}, element('input', {type: 'radio', name: 'axis', value: name, ...(name === 'step' ? {checked: ''} : {}), onchange: () => { state.axis = name; redraw(); }}), label));
  }
  document.getElementById('log').addEventListener('change', event => { state.log = event.target.checked; redraw(); });
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const theme = document.getElementById('theme');
  const paint = printing => {
    const chosen = printing === true ? 'light' : theme.value === 'auto' ? (dark.matches ? 'dark' : 'light') : theme.value;
    document.documentElement.dataset.theme = chosen;
    redraw();
  };
  theme.addEventListener('change', () => paint());
  dark.addEventListener('change', () => paint());
  addEventListener('beforeprint', () => paint(true));
  addEventListener('afterprint', () => paint());
  paint();
};
