// A page that is served while its run goes on: takes what is new from where it came, and says how the run stands. It keeps
// what it has, whatever becomes of the other end.
const watch = live => {
  const quiet_ms = 20000;  // the other end speaks once a second
  const longest_pause_ms = 30000;
  let source = null, silence = 0, pause_ms = 1000, is_due = false;

  const say = (id, words) => { const place = document.getElementById(id); if (place.textContent !== words) place.textContent = words; };
  const show = (how, note = '') => {
    const {step, steps} = live;
    const progress = document.getElementById('live-progress');
    document.getElementById('live').hidden = false;
    document.getElementById('empty').hidden = only.measurements.length > 0;
    say('live-state', how);
    say('live-step', ', step ' + format.count(step) + ' of ' + format.count(steps));
    say('live-note', note);
    [progress.max, progress.value] = [steps, step];
  };
  const show_run = () => {
    const {finished, end, error} = only.summary;
    if (!live.has_ended) show('running');
    else if (finished) show('done', end_text(only.summary));
    else show(end, error);
  };
  const draw = () => {
    is_due = false;
    head();
    add_watched(document.querySelector('figure[data-chart="Consensus distance"]'));
    charts.forEach(chart => chart.update());
  };
  // Once a frame at most, and not at all while nobody sees the page.
  const draw_soon = () => { if (!is_due) { is_due = true; requestAnimationFrame(draw); } };

  const leave = () => {
    clearTimeout(silence);
    source?.close();
    source = null;
  };
  const lose = () => {
    leave();
    show('connection lost', 'The run was ended, or cannot be reached. This is what had come until then.');
    setTimeout(connect, pause_ms);
    pause_ms = Math.min(2 * pause_ms, longest_pause_ms);
  };
  const listen = () => { clearTimeout(silence); silence = setTimeout(lose, quiet_ms); };
  const take = news => {
    if (news.session !== live.session) {
      leave();
      show('connection lost', 'Another run is served here by now; load the page again to see it. This is what had come until then.');
      return;
    }
    listen();
    pause_ms = 1000;
    if (news.from < live.lines) {  // it has lost lines, or never had them
      only.measurements.length = only.syncs.length = 0;
    }
    add_lines(only, news.lines);
    live.lines = news.from + news.lines.length;
    live.step = Math.max(live.step, news.step);
    summarise_so_far(only, live.step);
    if (news.summary) {
      leave();
      live.has_ended = true;
      live.step = news.summary.steps;
      only.summary = news.summary;
    }
    show_run();
    draw_soon();
  };
  const connect = () => {
    source = new EventSource('/events?from=' + live.lines);
    source.onmessage = event => take(JSON.parse(event.data));
    source.onerror = lose;
    listen();
  };

  show_run();
  if (!live.has_ended) connect();
};

if (data.live) watch(data.live);
