# One image for all roles; docker-compose.yml defines the command of each.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY package.json package-lock.json .npmrc ./
COPY scripts/javascript.py scripts/
RUN python scripts/javascript.py && rm -rf node_modules
COPY . .
RUN DEBUG=on SECRET_KEY=of-the-build .venv/bin/python manage.py collectstatic --noinput --verbosity 0
RUN NUMBA_CACHE_DIR=/app/kernels .venv/bin/python -m scripts.kernels

FROM python:3.11-slim
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/tmp/numba
RUN useradd --uid 1000 --create-home pytrade
WORKDIR /app
COPY --from=build /app /app
RUN chown -R pytrade staticfiles
USER pytrade
EXPOSE 8000
# Numba updates its cache, which the read-only image cannot hold.
ENTRYPOINT ["sh", "-c", "cp -r kernels/. $NUMBA_CACHE_DIR; exec \"$@\"", "sh"]
HEALTHCHECK --start-period=30s --interval=10s --timeout=5s CMD ["python", "scripts/healthcheck.py"]
CMD ["uvicorn", "--host", "0.0.0.0", "--port", "8000", "--no-proxy-headers", "--backlog", "2048", "--http", "httptools", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", "1048576", "--lifespan", "off", "--no-access-log", "--log-level", "warning", "pytrade.asgi:application"]
