#include <arpa/inet.h>
#include <stdio.h>

#include "protocol/proxy_header.h"
#include "proxy/log.h"
#include "proxy/session/login.h"

static void come_from(struct session *s, const struct proxy_header *h)
{
	struct address client = {.local = false};
	char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 10];
	if (h->client == PROXY_CLIENT_SAME)
		return;
	log_line(LOG_LEVEL_DEBUG, "session-proxied", "session=%u proxy=%s", s->id, s->peer);
	if (h->client == PROXY_CLIENT_UNIX) {
		session_come_from(s, SESSION_PEER_UNIX);
		return;
	}
	memcpy(client.bytes, h->address, sizeof client.bytes);
	address_text(&client, host, sizeof host);
	snprintf(text, sizeof text, "%s:%u", host, h->port);
	session_come_from(s, text);
}

/* The greeting has gone already: what comes first is looked at, a header or the answer to it. One that is not believed is
 * read too, so that who sent it can be told. */
enum step login_on_header(struct session *s)
{
	struct view bytes;
	struct proxy_header h;
	bytes.p = conn_input(&s->client, &bytes.len);
	if (proxy_header_sign(bytes) == PROXY_HEADER_ABSENT) {
		s->login->stage = STAGE_RESPONSE;
		return STEP_AGAIN;
	}
	enum packet_result got = proxy_header_parse(bytes, &h);
	if (got == PACKET_PARTIAL)
		return STEP_WAIT;
	if (got == PACKET_BAD) {
		login_send_error(s, 1043, "08S01", "Bad handshake: not a PROXY header of version 1 or 2");
		return session_fail(s, END_CLIENT_PROTOCOL);
	}
	conn_consume(&s->client, h.size);
	if (address_list_has(s->worker->snapshot->settings->proxy_protocol_networks, &s->address))
		come_from(s, &h);
	else
		s->login->header_refused = true;
	s->login->stage = STAGE_RESPONSE;
	return STEP_AGAIN;
}
