// Loads the page again while the run goes on. A reload closes what the reader has opened and unsorts tables.
{
  const EVERY = 2000;
  const heads = all('thead th');
  const kept = JSON.parse(sessionStorage.getItem(document.title) ?? '{}');
  all('details').forEach((one, at) => (one.open = kept.open?.[at] ?? one.open));
  for (const [at, order] of kept.sorted ?? []) {
    const button = heads[at]?.querySelector('.sort');
    for (let clicks = 0; button && clicks < 2 && heads[at].ariaSort !== order; clicks++) button.click();
  }
  const keep = () => {
    const sorted = heads.map((head, at) => [at, head.ariaSort]).filter(([, order]) => order);
    const open = all('details').map((one) => one.open);
    sessionStorage.setItem(document.title, JSON.stringify({ open, sorted }));
  };
  const load = async () => {
    const state = await fetch('/state').then((answer) => answer.text()).catch(() => 'gone');
    document.querySelector('.live .gone').hidden = state !== 'gone';
    // A hidden page is not read, and a reload would end a selection. The last state is loaded all the same.
    const waits = document.hidden || getSelection().type === 'Range';
    if (state === 'ended' || (state === 'running' && !waits)) {
      keep();
      location.reload();
    } else {
      setTimeout(load, EVERY);
    }
  };
  setTimeout(load, EVERY);
  const cancel = document.querySelector('.live form');
  if (cancel) cancel.onsubmit = () => confirm('Cancel the run? Its report will be partial.');
}
