# Varnish in front of several photos-sync; docs/scale.md explains it. Adapt names and addresses, then, as root:
#
#   install -m 644 docs/varnish.vcl /etc/varnish/default.vcl
#   systemctl restart varnish
vcl 4.1;

import directors;
import std;

probe alive {
    .url = "/healthz";
    .interval = 2s;
    .timeout = 2s;
    .window = 3;
    .threshold = 2;
    .initial = 2;
}

backend one {
    .host = "127.0.0.1";
    .port = "5001";
    .connect_timeout = 2s;
    .first_byte_timeout = 60s;
    .probe = alive;
}

backend two {
    .host = "127.0.0.1";
    .port = "5002";
    .connect_timeout = 2s;
    .first_byte_timeout = 60s;
    .probe = alive;
}

sub vcl_init {
    new screens = directors.shard();
    screens.add_backend(one);
    screens.add_backend(two);
    screens.reconfigure();
}

sub vcl_recv {
    # Under any other name there is nothing here: no web page reads the photos by a name of its own that leads here.
    if (req.http.Host !~ "(?i)^photos\.example\.net(:[0-9]+)?$") {
        return (synth(421, "Misdirected Request"));
    }

    # A screen stays with one process, which has its deck: by ?client=, otherwise by its address.
    if (req.url ~ "[?&]client=[^&]") {
        set req.http.X-Screen = regsub(req.url, "^.*?[?&]client=([^&]+).*$", "\1");
    } else {
        set req.http.X-Screen = client.ip;
    }
    set req.backend_hint = screens.backend(by=KEY, key=screens.key(req.http.X-Screen));

    # The next photo, lists, numbers: always asked for.
    unset req.http.X-Restarts;
    if (req.url !~ "^/files/[1-9][0-9]*\.jpg(\?|$)") {
        return (pass);
    }

    set req.http.X-Restarts = req.restarts;
    # While there is somebody to ask, a photo whose time is over is asked about; otherwise it is shown as it is.
    if (req.restarts == 0 && std.healthy(req.backend_hint)) {
        set req.grace = 0s;
    } else {
        set req.grace = 30d;
    }
}

sub vcl_backend_fetch {
    # The name is checked above; photos-sync answers to any that has no dot.
    set bereq.http.Host = "photos-sync";
    # Nothing can be changed over HTTP, so each question may be asked again, of the next process.
    set bereq.backend = screens.backend(by=KEY, key=screens.key(bereq.http.X-Screen), alt=bereq.retries);
}

sub vcl_backend_response {
    if (beresp.status >= 502 && bereq.retries == 0) {
        return (retry);
    }
    if (beresp.status >= 500 && !bereq.uncacheable) {
        # An answer would take the place of the photo that is kept; an error does not. Where none is kept, it is told.
        if (bereq.http.X-Restarts == "0" || bereq.is_bgfetch) {
            return (error(beresp.status, beresp.reason));
        }
        set beresp.ttl = 0s;
        set beresp.grace = 0s;
        return (deliver);
    }
    set beresp.grace = 30d;
    if (beresp.was_304) {
        set beresp.http.X-Cache-Status = "REVALIDATED";
    }
}

sub vcl_backend_error {
    if (bereq.retries == 0) {
        return (retry);
    }
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
}

sub vcl_deliver {
    if (resp.status >= 500 && req.http.X-Restarts == "0") {
        return (restart);
    }
    if (obj.uncacheable || resp.status >= 500) {
        unset resp.http.X-Cache-Status;
    } else if (obj.ttl < 0s) {
        set resp.http.X-Cache-Status = "STALE";
    } else if (obj.hits > 0) {
        set resp.http.X-Cache-Status = "HIT";
    } else if (!resp.http.X-Cache-Status) {
        set resp.http.X-Cache-Status = "MISS";
    }
}
