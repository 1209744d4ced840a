// The page: looks at wye every few seconds and shows what has changed. ?every=MS sets how often.
import {LineChart, paintCharts} from "./charts.js";
import {Looks, percentile, rateOf, timesBetween, total} from "./series.js";
import {refreshStatements} from "./statements.js";
import {$, badge, bytes, count, duration, element, fillBars, fillTable, long, meter, milliseconds, percent, rate, replaceChanged} from "./view.js";

const asked = Number(new URLSearchParams(location.search).get("every"));
const EVERY_MS = asked >= 250 && asked <= 60000 ? asked : 2000;
const SPAN_MS = 10000; // of percentiles and averages
const STATEMENTS_EVERY = 3; // looks
const PINNED_EVERY = 3;

const looks = new Looks(SPAN_MS);
let number = 0;
let silentSince = 0;

// --- light or dark: as the system has it, until somebody chooses ---

const systemDark = matchMedia("(prefers-color-scheme: dark)");

function theme() {
	return localStorage.getItem("theme") ?? (systemDark.matches ? "dark" : "light");
}

function applyTheme() {
	document.documentElement.classList.toggle("dark", theme() === "dark");
	paintCharts();
}

systemDark.addEventListener("change", applyTheme);
$("theme").addEventListener("click", () => {
	const other = theme() === "dark" ? "light" : "dark";
	if (other === (systemDark.matches ? "dark" : "light"))
		localStorage.removeItem("theme");
	else
		localStorage.setItem("theme", other);
	applyTheme();
});
document.documentElement.classList.toggle("dark", theme() === "dark");

// --- charts ---

const routeChart = new LineChart($("chart-routes"), {
	stacked: true,
	colours: {replica: "replica", primary: "primary", session: "session", pin: "pin", local: "local", deny: "deny"},
});
const latencyChart = new LineChart($("chart-latency"), {colours: {p50: "replica", p95: "primary", p99: "pin"}, unit: " ms"});
const lagChart = new LineChart($("chart-lag"), {unit: " s"});

const classes = ["all", "read", "write", "primary-read", "definition", "transaction", "session"];
$("latency-class").append(...classes.map((c) => element("option", {value: c}, c === "all" ? "all statements" : c)));
$("latency-class").addEventListener("change", () => latencyChart.clear());

function drawCharts(before, now, times) {
	const at = Date.now(), routes = {};
	for (const {route} of now.routes)
		routes[route] ??= rateOf(before, now, "routes", "statements", (row) => row.route === route);
	routeChart.add(at, {replica: 0, primary: 0, ...routes});
	const ms = (share) => {
		const us = percentile(times, share);
		return us === null ? null : us / 1000;
	};
	latencyChart.add(at, {p50: ms(0.5), p95: ms(0.95), p99: ms(0.99)});
	const replicas = now.servers.filter((s) => s.role === "replica");
	if (replicas.length)
		lagChart.add(at, Object.fromEntries(replicas.map((s) => [s.server, s.lag_ms === null ? null : s.lag_ms / 1000])));
}

// --- tiles ---

function tile(name, value, more, mood = "") {
	return element("div", {class: `tile ${mood}`}, element("span", {}, name), element("b", {}, value), element("i", {}, more));
}

function drawTiles(before, now) {
	const all = rateOf(before, now, "routes", "statements");
	const ran = (route) => rateOf(before, now, "routes", "statements", (row) => row.route === route);
	const reads = ran("replica"), onServers = reads + ran("primary");
	const errors = rateOf(before, now, "parts", "errors");
	const workers = now.workers[0], replicas = now.servers.filter((s) => s.role === "replica");
	const serving = replicas.filter((s) => s.takes_reads);
	const lags = replicas.map((s) => s.lag_ms).filter((ms) => ms !== null);
	const worst = lags.length ? Math.max(...lags) : null;
	const p99 = percentile(timesBetween(looks.oldest(), now, () => true), 0.99);
	const limit = Number(setting(now, "max_connections"));
	replaceChanged($("tiles"), [
		tile("statements", rate(all), "per second"),
		tile("on replicas", percent(reads / onServers), `${rate(reads)} per second`),
		tile("p99", duration(p99), "of the last 10 s"),
		tile("errors", percent(all ? errors / all : 0), `${rate(errors)} per second`, errors > all * 0.05 ? "bad" : ""),
		tile("clients", count(workers.clients), `of ${count(limit)} at most`, workers.clients > limit * 0.9 ? "warn" : ""),
		tile("waiting", count(workers.queued), "for a connection", workers.queued ? "warn" : ""),
		tile("replicas", `${serving.length} of ${replicas.length}`, "serve reads",
			serving.length < replicas.length ? serving.length ? "warn" : "bad" : ""),
		tile("worst lag", worst === null ? "–" : milliseconds(worst), "of the replicas", serving.length < replicas.length ? "warn" : ""),
	]);
}

// --- servers and pools ---

const stateMoods = {up: "good", lagging: "warn", stopped: "bad", down: "bad", new: ""};

function setting(now, name) {
	return now.settings.find((s) => s.name === name)?.value ?? "";
}

// A time as settings write it: 10s, 500ms.
function settingMs(text) {
	const [, n, unit] = /^([\d.]+)(us|ms|s|m|h|d)?$/.exec(text) ?? [];
	return Number(n) * ({us: 0.001, ms: 1, s: 1000, m: 60000, h: 3600000, d: 86400000}[unit] ?? 1000);
}

function lagCell(now, s) {
	if (s.role !== "replica" || s.lag_ms === null)
		return "–";
	const most = settingMs(setting(now, "max_lag"));
	return [milliseconds(s.lag_ms), meter(s.lag_ms, most, most * 0.5)];
}

function drawServers(before, now) {
	const of = (s) => (row) => row.server === s.server;
	const since = looks.oldest();
	fillTable($("servers"), [
		{name: "server", class: "words", phone: false, cell: (s) => [element("b", {}, s.server), " ",
			element("span", {class: "quiet"}, s.role), element("span", {class: "under"}, [s.reason, s.source && `follows ${s.source}`].filter(Boolean).join(", "))]},
		{name: "state", class: "left", cell: (s) => s.drained ? badge("drained", "warn") : badge(s.state, stateMoods[s.state])},
		{name: "reads", class: "left", cell: (s) => s.role === "primary" ? element("span", {class: "quiet"}, "–")
			: s.takes_reads ? "serves" : element("b", {}, "out of the pool")},
		{name: "lag", cell: (s) => lagCell(now, s)},
		{name: "statements/s", cell: (s) => rate(rateOf(before, now, "servers", "statements", of(s)))},
		{name: "p50", class: "more", cell: (s) => duration(percentile(timesBetween(since, now, of(s)), 0.5))},
		{name: "p99", cell: (s) => duration(percentile(timesBetween(since, now, of(s)), 0.99))},
		{name: "in flight", cell: (s) => count(s.in_flight)},
		{name: "errors/s", class: "more", cell: (s) => rate(rateOf(before, now, "servers", "errors", of(s)))},
		{name: "version", class: "left more", cell: (s) => element("span", {class: "quiet"}, s.version.replace(/^5\.5\.5-/, "").replace(/-log$/, "").slice(0, 24))},
	], now.servers, "No server is known.");
}

function drawPools(before, now) {
	const most = Number(setting(now, "server_max_connections"));
	const of = (s) => (row) => row.server === s.server;
	fillTable($("pools"), [
		{name: "server", class: "words", phone: false, cell: (p) => p.server},
		{name: "lent", cell: (p) => [`${count(p.busy)} of ${count(most)}`, meter(p.busy, most, most * 0.9)]},
		{name: "idle", cell: (p) => count(p.idle)},
		{name: "waiting", cell: (p) => p.waiting ? badge(count(p.waiting), "warn") : "0"},
		{name: "waited at most", cell: (p) => milliseconds(p.waited_max_ms)},
		{name: "opened/s", class: "more", cell: (p) => rate(rateOf(before, now, "pools", "opened", of(p)))},
		{name: "lent again/s", cell: (p) => rate(rateOf(before, now, "pools", "reused", of(p)))},
		{name: "accounts", class: "more", cell: (p) => count(p.accounts)},
	], now.pools, "No connection has been needed yet.");
}

// --- reasons, time, pins ---

function drawBars(before, now) {
	const reasons = now.routes.filter((row) => row.route === "primary").map((row) => row.reason);
	const bars = reasons.map((reason) => {
		const value = rateOf(before, now, "routes", "statements", (row) => row.route === "primary" && row.reason === reason);
		return {name: reason, value, text: rate(value)};
	}).sort((a, b) => b.value - a.value || a.name.localeCompare(b.name));
	fillBars($("reasons"), bars.slice(0, 8), "Nothing ran on the primary.");

	const since = looks.oldest(), n = total(now.parts, "statements") - total(since.parts, "statements");
	const parts = [["at the server", "server_us"], ["in the queue", "queue_us"], ["in wye", "own_us"]].map(([name, column]) => {
		const value = n > 0 ? Math.max(total(now.parts, column) - total(since.parts, column), 0) / n : 0;
		return {name, value, text: duration(value)};
	});
	fillBars($("parts"), n > 0 ? parts : [], "No statement in these seconds.");

	const pins = now.pins.slice(0, 6).map((pin) => ({name: pin.cause, value: pin.pins, text: count(pin.pins)}));
	fillBars($("pins"), pins, "No session has been tied to a connection.");
}

async function refreshPinned(now) {
	const rows = now.workers[0].pinned ? await (await fetch("/api/v1/pinned")).json() : [];
	replaceChanged($("pinned"), (Array.isArray(rows) ? rows : []).slice(0, 5).map((s) => element("li", {},
		element("b", {}, `${s.user} #${s.id}`), ` ${s.pins} for ${milliseconds(s.pinned_ms)}`, element("code", {title: s.pin_cause}, s.pin_cause))));
}

// --- events ---

function drawEvents(now) {
	const table = $("events");
	fillTable(table, [
		{name: "time", class: "left", phone: false, cell: (e) => element("span", {class: "quiet"}, localTime(e.time))},
		{name: "what", class: "left", phone: false, cell: (e) => e.kind},
		{name: "server", class: "left", phone: false, cell: (e) => e.server ?? ""},
		{name: "", class: "words", phone: false, cell: (e) => e.text},
	], now.events.slice(0, 30), "Nothing has happened.");
	now.events.slice(0, 30).forEach((e, i) => table.tBodies[0].rows[i].classList.add(e.level));
}

// "2026-01-31 12:00:00.123", UTC
function localTime(text) {
	return new Date(`${text.replace(" ", "T")}Z`).toLocaleTimeString("en-GB");
}

function drawHeader(now) {
	const memory = now.memory.find((m) => m.name === "resident");
	const word = now.draining ? "draining" : now.paused ? "paused" : now.ready ? "ready" : "not ready";
	$("ready").textContent = word;
	$("ready").className = `badge ${now.ready ? now.paused ? "warn" : "good" : "bad"}`;
	$("about").textContent = `${now.version} · up ${long(Number(now.status[0]?.value ?? 0))} · ${now.workers[0].workers} workers`
		+ `${memory ? ` · ${bytes(memory.bytes)}` : ""} · consistency ${setting(now, "consistency")}`;
	document.title = now.ready ? "wye" : `wye: ${word}`;
	say(now.ready ? "" : now.not_ready);
}

function say(problem) {
	$("problem").hidden = !problem;
	$("problem").textContent = problem;
}

// --- the round ---

async function look() {
	const answer = await fetch("/api/v1/overview");
	const now = await answer.json();
	if (!answer.ok)
		throw new Error(now.error);
	const goesOn = looks.add(now), before = looks.before();
	if (!goesOn)
		routeChart.clear();
	const kind = $("latency-class").value;
	drawHeader(now);
	drawTiles(before, now);
	if (before)
		drawCharts(before, now, timesBetween(looks.oldest(), now, (h) => kind === "all" || h.class === kind));
	drawServers(before, now);
	drawPools(before, now);
	drawBars(before, now);
	drawEvents(now);
	if (number % STATEMENTS_EVERY === 0)
		await refreshStatements();
	if (number % PINNED_EVERY === 0)
		await refreshPinned(now);
	document.body.dataset.looks = ++number;
}

async function round() {
	try {
		if (!document.hidden)
			await look();
		silentSince = 0;
	} catch (error) {
		silentSince ||= Date.now();
		$("ready").textContent = "no answer";
		$("ready").className = "badge bad";
		say(`wye does not answer (${error.message}), for ${long((Date.now() - silentSince) / 1000)}`);
	}
	setTimeout(round, EVERY_MS);
}

round();
