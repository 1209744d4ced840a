// Making elements, and saying numbers. All text goes through textContent: nothing that a server, a statement or a user's
// name contains is ever markup.

export function $(id) {
	return document.getElementById(id);
}

// element("td", {class: "left", "data-name": "lag"}, "text", otherElement, ...)
export function element(tag, attributes = {}, ...children) {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes))
		if (value !== undefined && value !== null)
			e.setAttribute(name, value);
	e.append(...children.filter((child) => child !== undefined && child !== null && child !== ""));
	return e;
}

export function badge(text, mood = "") {
	return element("span", {class: `badge ${mood}`}, text);
}

export function meter(value, max, high) {
	return element("meter", {min: 0, max: Math.max(max, 1e-9), value: Math.min(value, max), high, optimum: 0});
}

// Columns: {name, class, cell(row) -> text or element(s)}. What a pointer rests on or a reader has selected stays when
// nothing changed.
export function fillTable(table, columns, rows, nothing) {
	const head = table.tHead;
	if (!head.rows.length)
		head.append(element("tr", {}, ...columns.map((c) => element("th", {class: c.class}, c.name))));
	const body = rows.map((row) => rowOf(columns, row));
	if (!rows.length)
		body.push(element("tr", {}, element("td", {class: "none", colspan: columns.length}, nothing)));
	replaceChanged(table.tBodies[0], body);
}

export function rowOf(columns, row) {
	const cells = columns.map((c) => element("td", {class: c.class, "data-name": c.phone === false ? null : c.name}, ...[c.cell(row)].flat()));
	return element("tr", {}, ...cells);
}

export function replaceChanged(parent, children) {
	children.forEach((child, i) => {
		const there = parent.children[i];
		if (!there)
			parent.append(child);
		else if (!there.isEqualNode(child))
			there.replaceWith(child);
	});
	while (parent.children.length > children.length)
		parent.lastElementChild.remove();
}

// Bars of one scale: [{name, value, text}]
export function fillBars(parent, bars, nothing) {
	const most = Math.max(...bars.map((bar) => bar.value), 0);
	const children = bars.flatMap((bar) => [element("span", {title: bar.name}, bar.name), meter(bar.value, most),
						element("b", {}, bar.text)]);
	replaceChanged(parent, children.length ? children : [element("span", {class: "none"}, nothing)]);
}

const thousands = new Intl.NumberFormat("en", {maximumFractionDigits: 0});

export function count(n) {
	if (n < 100000)
		return thousands.format(n);
	return n < 1e6 ? `${(n / 1e3).toFixed(0)} k` : n < 1e9 ? `${(n / 1e6).toFixed(n < 1e7 ? 2 : 1)} M` : `${(n / 1e9).toFixed(2)} G`;
}

export function rate(n) {
	return n === 0 ? "0" : n < 10 ? n.toFixed(1) : count(n);
}

export function duration(us) {
	if (us === null || us === undefined || Number.isNaN(us))
		return "–";
	if (us < 1000)
		return `${Math.round(us)} µs`;
	if (us < 1e6)
		return `${(us / 1000).toFixed(us < 1e4 ? 2 : us < 1e5 ? 1 : 0)} ms`;
	return us < 6e7 ? `${(us / 1e6).toFixed(us < 1e7 ? 2 : 1)} s` : long(us / 1e6);
}

// Of a whole number of milliseconds.
export function milliseconds(ms) {
	return ms < 1000 ? `${ms} ms` : duration(ms * 1000);
}

export function long(seconds) {
	const s = Math.floor(seconds), units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
	const first = units.findIndex(([n]) => s >= n);
	if (first < 0)
		return "0 s";
	const [n, unit] = units[first], next = units[first + 1];
	const rest = next ? Math.floor(s % n / next[0]) : 0;
	return `${Math.floor(s / n)} ${unit}${rest ? ` ${rest} ${next[1]}` : ""}`;
}

export function bytes(n) {
	return n < 1 << 20 ? `${Math.round(n / 1024)} KiB` : n < 2 ** 30 ? `${(n / 2 ** 20).toFixed(1)} MiB` : `${(n / 2 ** 30).toFixed(2)} GiB`;
}

export function percent(share) {
	return Number.isFinite(share) ? `${(share * 100).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %` : "–";
}
