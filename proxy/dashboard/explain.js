// EXPLAIN ROUTE of a statement: where it would run in a session that has just logged in, in one that has then run another
// statement, or in one that is there; and why.
import {$, badge, element} from "./view.js";

const moods = {replica: "good", deny: "bad", pin: "warn"};
const CUT_AT = 1020; // bytes of a digest's text that are kept

export function openExplain(statement = "", user = "", database = "") {
	$("explain-statement").value = statement;
	$("explain-user").value = user || "";
	$("explain-database").value = database || "";
	$("explain-after").value = $("explain-connection").value = "";
	$("explanation").replaceChildren();
	$("explain").showModal();
	if (statement)
		run();
	else
		$("explain-statement").focus();
}

function fact(name, ...value) {
	return [element("dt", {}, name), element("dd", {}, ...value)];
}

// One line a server, "host:port role: why [chosen]".
function serverLines(text) {
	return text.split("\n").filter(Boolean).map((line) => element("div", {class: line.endsWith("[chosen]") ? "chosen" : null}, line));
}

function show(e, statement) {
	const facts = [
		["runs on", e.server], ["consistency", e.consistency], ["servers", serverLines(e.servers)], ["hint", e.hint],
		["rules", e.rules], ["effects", e.effects], ["pins", e.pins], ["rewritten", e.rewritten], ["digest", e.digest],
	].filter(([, value]) => value && value.length);
	$("explanation").replaceChildren(
		element("p", {class: "verdict"}, badge(e.route, moods[e.route] ?? ""), element("b", {}, e.reason), e.outcome),
		element("dl", {}, ...facts.flatMap(([name, value]) => fact(name, ...[value].flat()))),
		...(new TextEncoder().encode(statement).length >= CUT_AT
			? [element("p", {class: "quiet"}, "The statistics keep the first 1024 bytes of a statement: this one may have been longer.")] : []));
}

async function run() {
	const statement = $("explain-statement").value;
	const query = new URLSearchParams({statement, user: $("explain-user").value, database: $("explain-database").value});
	const connection = $("explain-connection").value.trim(), after = $("explain-after").value.trim();
	if (connection)
		query.set("connection", connection);
	else if (after)
		query.set("after", after);
	try {
		const answer = await fetch(`/api/v1/explain?${query}`);
		const body = await answer.json();
		if (answer.ok)
			show(body, statement);
		else
			$("explanation").replaceChildren(element("p", {class: "badge bad"}, body.error));
	} catch {
		$("explanation").replaceChildren(element("p", {class: "badge bad"}, "wye does not answer"));
	}
}

$("explain-run").addEventListener("click", run);
$("explain-statement").addEventListener("keydown", (event) => {
	if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
		run();
});
$("explain-own").addEventListener("click", () => openExplain());
$("explain").addEventListener("click", (event) => {
	if (event.target === $("explain"))
		$("explain").close(); // beside it
});
