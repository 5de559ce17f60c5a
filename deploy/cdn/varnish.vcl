# Varnish in front of Understudy's egress. docs/cdn.md says why each line is there. Tried with Varnish 7.1.
# What has to be changed: the two addresses.
#
#   varnishd -f varnish.vcl -a :8080 -s malloc,4g
vcl 4.1;

import directors;
import std;

probe ready {
    .url = "/readyz";
    .interval = 1s;
    .timeout = 1s;
    .window = 3;
    .threshold = 2;
    .initial = 2;
}

backend egress_1 {
    .host = "127.0.0.1";
    .port = "7072";
    .probe = ready;
    .connect_timeout = 1s;
    .first_byte_timeout = 5s;
    .between_bytes_timeout = 5s;
}

backend egress_2 {
    .host = "127.0.0.1";
    .port = "7172";
    .probe = ready;
    .connect_timeout = 1s;
    .first_byte_timeout = 5s;
    .between_bytes_timeout = 5s;
}

sub vcl_init {
    new egress = directors.shard();
    egress.add_backend(egress_1);
    egress.add_backend(egress_2);
    egress.reconfigure();
}

sub vcl_recv {
    if (req.url !~ "^/out/v1/") {
        return (synth(404));
    }
    # The whole URL is the key: the query string says which part of the programme a playlist is to list. A segment has
    # none: what is there is somebody's session id, and would be a copy for each.
    if (req.url !~ "\.m3u8(\?|$)") {
        set req.url = regsub(req.url, "\?.*$", "");
    }
    # Cookies and Authorization mean nothing to egress, and would keep everything out of the cache.
    unset req.http.Cookie;
    unset req.http.Authorization;

    # What is stale is for when no egress process answers.
    if (req.restarts == 0) {
        set req.grace = 0s;
    } else {
        set req.grace = 1h;
    }
}

sub vcl_backend_fetch {
    # All that belongs to one origin endpoint goes to one egress process while that is there: what a playlist lists, the
    # one who wrote the playlist has. It also makes the best of the memory of each. A retry goes to another one.
    set bereq.backend = egress.backend(
        by=KEY, key=egress.key(regsub(bereq.url, "^/out/v1/([^/?]*).*", "\1")),
        alt=bereq.retries, rampup=false);

    # For origin endpoints with CDN authorization, the secret; keep it out of reach of others.
    # set bereq.http.X-MediaPackage-CDNIdentifier = "00000000-0000-0000-0000-000000000000";
    # X-Forwarded-For, for origin endpoints with a whitelist, Varnish sends by itself.
}

sub vcl_backend_response {
    if (beresp.status == 502 || beresp.status == 503 || beresp.status == 504) {
        if (bereq.retries < 1) {
            return (retry);
        }
    }
    # An error may be over in a moment. Varnish would remember for two minutes not to cache the URL, and meanwhile
    # everybody's request for it, once it is there, would be one to egress.
    if (beresp.http.Cache-Control ~ "no-store") {
        set beresp.ttl = 0s;
        set beresp.grace = 0s;
        set beresp.keep = 0s;
        return (deliver);
    }
    # Varnish does not know stale-if-error; grace is what comes nearest.
    if (beresp.http.Cache-Control ~ "stale-if-error=[0-9]+") {
        set beresp.grace = std.duration(
            regsub(beresp.http.Cache-Control, ".*stale-if-error=([0-9]+).*", "\1") + "s", 0s);
    }
    # Long enough to ask whether it has changed rather than for all of it.
    set beresp.keep = 60s;
}

sub vcl_backend_error {
    if (bereq.retries < 1) {
        return (retry);
    }
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
    set beresp.body = "";
    return (deliver);
}

sub vcl_deliver {
    # Nobody answered: once more, and what is stale will do.
    if (resp.status >= 502 && resp.status <= 504 && req.restarts == 0) {
        return (restart);
    }
    set resp.http.X-Cache = regsub(obj.hits, "^0$", "MISS");
    if (resp.http.X-Cache != "MISS") {
        set resp.http.X-Cache = "HIT";
    }
}
