#include "proxy/monitor_inside.h"

#include <string.h>

/* In the stream's thread. */
static void heard(void *arg)
{
	struct monitor *m = arg;
	pthread_mutex_lock(&m->lock);
	if (!m->heard)
		pthread_cond_signal(&m->wake);
	m->heard = true;
	pthread_mutex_unlock(&m->lock);
}

/* What it logs in with may have changed. */
void monitor_keep_stream(struct monitor *m)
{
	struct library_login login = monitor_login(m);
	pthread_mutex_lock(&m->lock);
	bool wanted = m->wants_stream && m->follow == FOLLOW_AS_REPLICA && m->connection;
	pthread_mutex_unlock(&m->lock);
	if (m->stream && (!wanted || memcmp(&m->stream_tls, &login.tls, sizeof login.tls) != 0)) {
		position_stream_stop(m->stream);
		m->stream = NULL;
	}
	if (m->stream || !wanted)
		return;
	m->stream_tls = login.tls;
	struct stream_source source = {
	    .login = login, .flavor = m->look.flavor, .version = m->look.version, .heard = heard, .arg = m};
	m->stream = position_stream_start(&source);
}
