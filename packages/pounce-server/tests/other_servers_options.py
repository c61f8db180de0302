"""Every option of the servers that people come from, as their parsers know them.

Without ``--help`` and ``--version``.

Taken from the releases named; a newer one may have more.
"""

from __future__ import annotations

from typing import Final

__all__ = ["OPTIONS", "USES", "VERSIONS"]

VERSIONS: Final = {"uvicorn": "0.54.0", "gunicorn": "27.0.1", "hypercorn": "0.18.0", "granian": "2.8.7"}

OPTIONS: Final[dict[str, str]] = {
    "uvicorn": """
        --access-log --app-dir --backlog --date-header --env-file --factory --fd --forwarded-allow-ips
        --h11-max-incomplete-event-size --header --host --http --http2 --interface --lifespan --limit-concurrency
        --limit-max-requests --limit-max-requests-jitter --log-config --log-level --loop --no-access-log
        --no-date-header --no-proxy-headers --no-server-header --no-use-colors --port --proxy-headers --reload
        --reload-delay --reload-dir --reload-exclude --reload-include --reset-contextvars --root-path --server-header
        --ssl-ca-certs --ssl-cert-reqs --ssl-certfile --ssl-ciphers --ssl-keyfile --ssl-keyfile-password --ssl-version
        --timeout-graceful-shutdown --timeout-keep-alive --timeout-worker-healthcheck --uds --use-colors --workers --ws
        --ws-max-queue --ws-max-size --ws-per-message-deflate --ws-ping-interval --ws-ping-timeout
    """,
    "gunicorn": """
        --access-logfile --access-logformat --asgi-disconnect-grace-period --asgi-lifespan --asgi-loop --backlog --bind
        --ca-certs --capture-output --casefold-http-method --cert-reqs --certfile --chdir --check-config --ciphers
        --config --control-socket --control-socket-mode --daemon --dirty-app --dirty-graceful-timeout --dirty-threads
        --dirty-timeout --dirty-workers --disable-redirect-access-to-syslog --do-handshake-on-connect --dogstatsd-tags
        --enable-backlog-metric --enable-stdio-inheritance --env --error-logfile --forwarded-allow-ips
        --forwarder-headers --graceful-timeout --group --header-map --http-parser --http-protocols --http2-cleartext
        --http2-initial-window-size --http2-max-concurrent-streams --http2-max-frame-size --http2-max-header-list-size
        --initgroups --keep-alive --keyfile --limit-request-field_size --limit-request-fields --limit-request-line
        --log-config --log-config-json --log-file --log-level --log-syslog --log-syslog-facility --log-syslog-prefix
        --log-syslog-to --logger-class --max-requests --max-requests-jitter --name --no-control-socket --no-sendfile
        --paste --paste-global --paster --permit-obsolete-folding --permit-unconventional-http-method
        --permit-unconventional-http-version --pid --preload --print-config --protocol --proxy-allow-from
        --proxy-protocol --pythonpath --reload --reload-engine --reload-extra-file --reuse-port --root-path --spew
        --ssl-version --statsd-host --statsd-prefix --strip-header-spaces --suppress-ragged-eofs --threads --timeout
        --umask --user --uwsgi-allow-from --websocket-max-message-size --worker-class --worker-connections
        --worker-tmp-dir --workers -D -R -b -c -e -g -k -m -n -p -t -u -v -w
    """,
    "hypercorn": """
        --access-log --access-logfile --access-logformat --backlog --bind --ca-certs --cert-reqs --certfile --ciphers
        --config --daemon --debug --error-log --error-logfile --graceful-timeout --group --insecure-bind --keep-alive
        --keyfile --keyfile-password --log-config --log-file --log-level --max-requests --max-requests-jitter --pid
        --quic-bind --read-timeout --reload --root-path --server-name --statsd-host --statsd-prefix --umask --user
        --verify-mode --websocket-ping-interval --worker-class --workers -D -b -c -g -k -m -p -u -w
    """,
    "granian": """
        --access-log --access-log-fmt --backlog --backpressure --blocking-threads --blocking-threads-idle-timeout
        --env-files --factory --host --http --http1-buffer-size --http1-header-read-timeout --http1-keep-alive
        --http1-pipeline-flush --http2-adaptive-window --http2-initial-connection-window-size
        --http2-initial-stream-window-size --http2-keep-alive-interval --http2-keep-alive-timeout
        --http2-max-concurrent-streams --http2-max-frame-size --http2-max-headers-size --http2-max-send-buffer-size
        --interface --log --log-config --log-level --loop --metrics --metrics-address --metrics-port
        --metrics-scrape-interval --no-access-log --no-factory --no-http1-keep-alive --no-http1-pipeline-flush
        --no-http2-adaptive-window --no-log --no-metrics --no-reload --no-reload-ignore-worker-failure
        --no-respawn-failed-workers --no-ssl-client-verify --no-ws --pid-file --port --process-name --reload
        --reload-ignore-dirs --reload-ignore-paths --reload-ignore-patterns --reload-ignore-worker-failure
        --reload-paths --reload-tick --respawn-failed-workers --respawn-interval --rss-sample-interval --rss-samples
        --runtime-blocking-threads --runtime-mode --runtime-threads --ssl-ca --ssl-certificate --ssl-client-verify
        --ssl-crl --ssl-keyfile --ssl-keyfile-password --ssl-protocol-min --static-path-dir-to-file
        --static-path-expires --static-path-mount --static-path-route --task-impl --uds --uds-permissions
        --url-path-prefix --workers --workers-kill-timeout --workers-lifetime --workers-max-rss --working-dir --ws
    """,
}


USES: Final = (
    # What they take for an option that is named the same here, and what is said of it; nothing where it is served.
    ("uvicorn", "--fd 3", ""),
    ("uvicorn", "--forwarded-allow-ips 10.0.0.1,10.0.0.2", ""),
    ("uvicorn", "--header X-A:1 --header X-B:2", ""),
    ("uvicorn", "--http httptools", "write auto"),
    ("uvicorn", "--http zttp", "write auto"),
    ("uvicorn", "--http2", "--http2 needs a value: one of auto, on, off"),
    ("uvicorn", "--interface asgi2", ""),
    ("uvicorn", "--log-level trace", "write debug"),
    ("uvicorn", "--loop zuvloop", "write uvloop"),
    ("uvicorn", "--ssl-cert-reqs 0", ""),
    ("uvicorn", "--timeout-graceful-shutdown 5", ""),
    ("uvicorn", "--ws websockets", "write auto"),
    ("uvicorn", "--ws websockets-sansio", "write auto"),
    ("uvicorn", "--ws-per-message-deflate false", "write --ws-per-message-deflate or --no-ws-per-message-deflate"),
    ("gunicorn", "--bind 127.0.0.1:80,unix:/run/x", ""),
    ("gunicorn", "--config gunicorn.conf.py", "is Python, and settings are read from TOML"),
    ("gunicorn", "--limit-request-line 0", "a whole number of 32 or more bytes"),
    ("gunicorn", "--log-file -", ""),
    ("gunicorn", "--log-level WARNING", "did you mean 'warning'?"),
    ("gunicorn", "--proxy-protocol", ""),
    ("gunicorn", "--proxy-protocol v1", "--proxy-protocol is a switch; write --proxy-protocol or"),
    ("gunicorn", "--worker-kind gthread", "write thread"),
    ("hypercorn", "--access-log access.log", "--access-log is a switch"),
    ("hypercorn", "--bind 127.0.0.1", "it must be HOST:PORT"),
    ("hypercorn", "--bind unix:/run/x --bind fd://3", ""),
    ("hypercorn", "--config file:conf.py", "is Python, and settings are read from TOML"),
    ("hypercorn", "--config python:conf", "is Python, and settings are read from TOML"),
    ("hypercorn", "--worker-kind trio", "asyncio is what there is"),
    ("granian", "--http 1", "--http2 off leaves out HTTP/2"),
    ("granian", "--http 2", "write --http2 on"),
    ("granian", "--interface asgi", "write asgi3"),
    ("granian", "--interface rsgi", "an interface of granian alone"),
    ("granian", "--log-level warn", "write warning"),
    ("granian", "--loop rloop", "write auto"),
    ("granian", "--ssl-certificate c.pem --ssl-keyfile k.pem", "give ssl_certfile as well"),
    ("granian", "--uds /run/x --uds-permissions 0o660", ""),
    ("granian", "--workers-lifetime 6h", "without a unit: 21600"),
    ("granian", "--workers-max-rss 512", ""),
    ("granian", "--ws", "--ws needs a value: one of auto, wsproto, none"),
)
