# The course as an image: Debian's bcc, clang and libbpf, Jupyter, and the chapters.
# docs/containers.md says how to run it; ./course image build makes it.
# What changes seldom comes first: after an edit in notebooks/ only the last layers are made anew.

ARG BASE=debian:trixie-slim

# Kernel headers for bcc. The image does not know which kernel it will run on, and those of any
# recent one will do: both halves of Debian's packages, in one folder, for this processor only.
FROM ${BASE} AS headers
RUN set -eu; cd /tmp; apt-get update -q; \
    half() { apt-cache depends "$1" | sed -n "s/.*Depends: \(linux-headers-.*-$2\)$/\1/p"; }; \
    specific=$(half "linux-headers-cloud-$(dpkg --print-architecture)" '.*'); \
    apt-get download -q "$specific" "$(half "$specific" common)"; \
    for package in *.deb; do dpkg-deb -x "$package" halves; done; \
    mkdir /headers; cp -a halves/usr/src/*/include /headers/; \
    case $(dpkg --print-architecture) in amd64) arch=x86 ;; arm64) arch=arm64 ;; \
    *) echo "The image is made for amd64 and arm64 only." >&2; exit 1 ;; esac; \
    mkdir /headers/arch; cp -a halves/usr/src/*/arch/$arch /headers/arch/; \
    for each in config dt-bindings drm media sound scsi rdma soc; do \
    rm -rf "/headers/include/$each"; done; \
    find /headers/arch -type f ! -name '*.h' -delete; \
    for part in linux/kconfig.h generated/autoconf.h generated/uapi/linux/version.h; do \
    test -f "/headers/include/$part"; done

# The Python packages, as pyproject.toml pins them.
FROM ${BASE} AS python
RUN apt-get update -q && apt-get install -qy --no-install-recommends python3-pip python3-venv
COPY pyproject.toml /tmp/
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -c 'import tomllib; print(*tomllib.load(open("/tmp/pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' >/tmp/pinned \
 && pip --python /opt/venv/bin/python install --no-cache-dir -r /tmp/pinned \
 && find /opt/venv -type d -name tests -prune -exec rm -r {} +

FROM ${BASE}
# Documentation, and what only other compilers, C++, static linking or sanitizers need: 130 MB.
RUN for path in '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/info/*' '/usr/share/locale/*' \
    '/usr/include/c++/*' '/usr/include/*/c++/*' '/usr/lib/*/lib?san.*' '/usr/lib/*/libhwasan.*' \
    '/usr/lib/*/libubsan.*' '/usr/lib/gcc/*san*' '/usr/lib/*/libc.a' '/usr/lib/*/libm-*.a' \
    '/usr/lib/*/libstdc++.a' '/usr/lib/gcc/*/libstdc++*.a' '/usr/lib/*/libclang-19.so.*'; \
    do echo "path-exclude=$path"; done >/etc/dpkg/dpkg.cfg.d/course \
 && apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
    bpftool clang iproute2 iputils-ping libbpf-dev libc6-dev linux-libc-dev nftables \
    python3-bpfcc strace tcpdump tini zstd \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf/*-old /var/log/*
COPY --from=headers /headers /usr/src/linux-headers-course
COPY --from=python /opt/venv /opt/venv

# Everything in /course is root's, but for what the course writes: there any --user may, as in /tmp.
RUN printf '#!/bin/sh\nexec python -m tools.container "$@"\n' >/usr/local/bin/course \
 && chmod 755 /usr/local/bin/course \
 && useradd --uid 1000 --shell /bin/bash --create-home learner \
 && install -d -o learner -m 1777 /course/work /course/build /home/learner
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/home/learner LANG=C.UTF-8 COURSE_IMAGE=1 \
    BCC_KERNEL_SOURCE=/usr/src/linux-headers-course JUPYTER_RUNTIME_DIR=/tmp/jupyter
WORKDIR /course
EXPOSE 8888
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["course", "healthy"]
ENTRYPOINT ["tini", "--", "course"]
CMD ["lab"]

COPY pyproject.toml LICENSE ./
COPY LICENSES LICENSES
COPY helpers helpers
COPY chapters chapters
COPY tools tools
# The course and bcc linked into the environment, and what a first start would otherwise compile or look for.
RUN python -m tools.environment finish lab && python -m compileall -q helpers chapters tools \
 && setpriv --reuid learner --regid learner --clear-groups python -c 'import matplotlib.font_manager' \
 && rm -rf /tmp/*
COPY bpf bpf
COPY notebooks notebooks
