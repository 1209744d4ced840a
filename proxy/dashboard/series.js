// What happened between two looks: /api/v1/overview has counters since the start, people want rates and percentiles.

// Looks, the newest last, as far back as percentiles reach.
export class Looks {
	constructor(spanMs) {
		this.spanMs = spanMs;
		this.looks = [];
	}

	// False: wye was started again, or its statistics were reset; what went before is forgotten.
	add(look) {
		look.histograms = histograms(look.latency);
		const last = this.last();
		const goesOn = !last || (look.at_ms > last.at_ms && total(look.routes, "statements") >= total(last.routes, "statements"));
		if (!goesOn)
			this.looks = [];
		this.looks.push(look);
		while (this.looks.length > 2 && look.at_ms - this.looks[1].at_ms >= this.spanMs)
			this.looks.shift();
		return goesOn;
	}

	last() {
		return this.looks[this.looks.length - 1];
	}

	// The look before the last, and the oldest of the span.
	before() {
		return this.looks[this.looks.length - 2];
	}

	oldest() {
		return this.looks[0];
	}
}

export function total(rows, column) {
	return rows.reduce((sum, row) => sum + (row[column] || 0), 0);
}

export function seconds(before, now) {
	return Math.max((now.at_ms - before.at_ms) / 1000, 0.001);
}

// Growth of a column a second, of the rows that `match`; a row that began anew counts from 0.
export function rateOf(before, now, table, column, match = () => true) {
	if (!before)
		return 0;
	const grown = total(now[table].filter(match), column) - total(before[table].filter(match), column);
	return Math.max(grown, 0) / seconds(before, now);
}

// {"server class": {server, class, counts: Map from -> [to, count]}}
function histograms(rows) {
	return rows.map((row) => ({
		server: row.server,
		class: row.class,
		counts: new Map((row.counts || "").split(",").map((one) => one.split(":").map(Number)).map(([from, to, n]) => [from, [to, n]])),
	}));
}

// Times counted since `before`, as [[from, to, count], ...] in order; of the histograms that `match`.
export function timesBetween(before, now, match) {
	const sums = new Map();
	for (const h of now.histograms.filter(match)) {
		const old = before?.histograms.find((one) => one.server === h.server && one.class === h.class);
		for (const [from, [to, n]] of h.counts) {
			const grown = n - (old?.counts.get(from)?.[1] ?? 0);
			if (grown > 0)
				sums.set(from, [from, to, (sums.get(from)?.[2] ?? 0) + grown]);
		}
	}
	return [...sums.values()].sort((a, b) => a[0] - b[0]);
}

// us, within a bucket taken to lie evenly; null: there were none.
export function percentile(times, share) {
	const all = times.reduce((sum, [, , n]) => sum + n, 0);
	let wanted = share * all;
	for (const [from, to, n] of times) {
		if (wanted <= n)
			return from + (to - from) * wanted / n;
		wanted -= n;
	}
	return null;
}
