// Numbers as people read them, with three digits unless told otherwise.
const format = (() => {
  const significant = (x, digits = 3) => {
    if (x === null || x === undefined || !Number.isFinite(x)) return '–';
    if (x !== 0 && (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e7)) return x.toExponential(digits - 1);
    return Number(x.toPrecision(digits)).toLocaleString('en', {maximumSignificantDigits: digits});
  };
  const scaled = (x, units, step, digits) => {
    let unit = 0;
    while (unit + 1 < units.length && Math.abs(x) >= step) { x /= step; ++unit; }
    return significant(x, digits) + ' ' + units[unit];
  };
  const bytes = (x, digits) => x === null || x === undefined ? '–' : scaled(x, ['B', 'kB', 'MB', 'GB', 'TB'], 1000, digits);
  const count = x => x === null || x === undefined ? '–' : Math.round(x).toLocaleString('en');
  const percent = (x, digits = 3) => x === null || x === undefined ? '–' : (100 * x).toFixed(digits - 1) + '%';
  const seconds = (x, digits) => {
    if (x === null || x === undefined) return '–';
    if (x < 120) return significant(x, digits) + ' s';
    return x < 7200 ? significant(x / 60, digits) + ' min' : significant(x / 3600, digits) + ' h';
  };
  return {significant, bytes, count, percent, seconds};
})();
