// Looks at a page as it lies there, and returns what is wrong with it and where its plots are. Everything is in CSS pixels.
(() => {
  const flaws = [];
  const width = document.documentElement.clientWidth;
  const named = (element) => `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''} “${element.textContent.trim().slice(0, 40)}”`;
  const scrolls = (element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
  const ancestors = (element) => (element ? [element, ...ancestors(element.parentElement)] : []);
  const beyond = (box) => box.left < -0.5 || box.right > width + 0.5;
  const say = (flaw) => flaws.length < 20 && flaws.push(flaw);

  if (document.scrollingElement.scrollWidth > width) say(`the page scrolls sideways: ${document.scrollingElement.scrollWidth} in ${width}`);
  const elements = [...document.querySelectorAll('body *')].filter((element) => element.checkVisibility());
  for (const element of elements) {
    if (beyond(element.getBoundingClientRect()) && !ancestors(element.parentElement).some((box) => getComputedStyle(box).overflowX !== 'visible' && !(box instanceof SVGElement))) say(`beyond the page: ${named(element)}`);
  }

  // Every line of text, by its middle: what lies above and below is the font's own room.
  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [node, parent] = [walker.currentNode, walker.currentNode.parentElement];
    if (!node.data.trim() || !parent.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 1) continue;
      const room = box.height / 5;
      lines.push({ node, parent, left: box.left + 1, right: box.right - 1, top: box.top + room, bottom: box.bottom - room });
    }
  }
  // What a box cuts off or scrolls away is not seen.
  const boxes = (element) => ancestors(element).filter((box) => !(box instanceof SVGElement) && getComputedStyle(box).overflowX !== 'visible');
  const seen = (line) => {
    const edges = boxes(line.parent).map((box) => box.getBoundingClientRect());
    return { ...line, left: Math.max(line.left, ...edges.map((edge) => edge.left)), right: Math.min(line.right, ...edges.map((edge) => edge.right)) };
  };
  const visible = lines.map(seen).sort((one, other) => one.top - other.top);
  visible.forEach((one, at) => {
    for (let next = at + 1; next < visible.length && visible[next].top < one.bottom; next += 1) {
      const other = visible[next];
      if (other.node !== one.node && Math.min(one.right, other.right) > Math.max(one.left, other.left)) say(`one text over another: “${one.node.data.trim()}”, “${other.node.data.trim()}”`);
    }
  });
  for (const { node, parent, left, right } of lines) {
    for (const box of boxes(parent)) {
      const edge = box.getBoundingClientRect();
      const end = scrolls(box) ? edge.left + box.clientLeft + box.scrollWidth - box.scrollLeft : edge.right;
      const cut = left < edge.left - 1 || right > end;
      if (cut && getComputedStyle(box).textOverflow !== 'ellipsis') say(`cut off: “${node.data.trim()}”`);
      if (scrolls(box)) break;
    }
  }

  // A sentence that has hardly more than a word's width was meant to have more.
  for (const element of elements.filter((one) => one.children.length === 0 && one.textContent.trim().split(/\s+/).length > 3)) {
    const box = element.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (box.width < 6 * size && box.height > 4 * size) say(`squeezed: ${named(element)}`);
  }

  // What scrolls by no more than a word's width was meant to fit.
  for (const box of elements.filter((one) => one.matches('.scroll'))) {
    const more = box.scrollWidth - box.clientWidth;
    if (more > 0 && more < 24) say(`scrolls by ${more} pixels: ${named(box)}`);
  }

  for (const element of elements.filter((one) => one.matches('section, figure, table, .plot, .plot > svg, h1, h2, dd, .lane, .stage'))) {
    const box = element.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) say(`of no size: ${named(element)}`);
  }
  for (const heading of document.querySelectorAll('h1, h2, h3, th, dt, caption, summary')) {
    if (!heading.textContent.trim() && !heading.querySelector('svg')) say(`without words: ${named(heading)}`);
  }

  // Of each plot: where it lies, and the colours that must be found there.
  const plots = elements.filter((element) => element.matches('.plot > svg')).map((svg) => {
    const box = svg.getBoundingClientRect();
    const drawn = [...svg.querySelectorAll(':scope > svg:last-of-type path')].filter((path) => path.getAttribute('d'));
    if (!drawn.length) say(`an empty plot: ${svg.querySelector('title').textContent}`);
    const solid = drawn.filter((path) => path.matches('.line.one, .area.completed'));
    const colours = solid.map((path) => getComputedStyle(path)[path.matches('.line') ? 'stroke' : 'fill']);
    return { title: svg.querySelector('title').textContent, left: box.left + scrollX, top: box.top + scrollY, width: box.width, height: box.height, colours };
  });
  return { flaws, plots, lines: lines.length, height: document.documentElement.scrollHeight };
})();
