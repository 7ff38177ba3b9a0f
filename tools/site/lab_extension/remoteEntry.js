// A federated extension without a bundler: the container that JupyterLab asks for, by hand.
// Source: JupyterLab's "Prebuilt extensions", JupyterLite's bootstrap.js.
(() => {
    const here = document.currentScript.src;
    let shares;
    // All that the page loads is kept for when there is no network (machine.js).
    performance.setResourceTimingBufferSize(5000);

    // A module that JupyterLab shares with its extensions.
    async function shared(name) {
        const found = Object.values(shares[name])[0];
        const factory = found.lib ?? await found.get();
        return factory();
    }

    async function extension() {
        const { IKernelSpecs, IKernelClient } = await shared("@jupyterlite/services");
        const { PageConfig } = await shared("@jupyterlab/coreutils");
        const { Machines } = await import(new URL("kernel.js", here).href);
        // The notebooks are one folder below the site's first.
        const base = new URL(PageConfig.getBaseUrl(), location.href).href;
        const kernel = {
            id: "linux-in-this-page:kernel",
            autoStart: true,
            requires: [IKernelSpecs, IKernelClient],
            activate: (app, specs, client) => {
                const machines = new Machines(new URL("../", base).href, base, app);
                specs.register({
                    spec: {
                        name: "python3",
                        display_name: "Python 3, on the Linux in this page",
                        language: "python",
                        argv: [],
                        resources: {},
                    },
                    create: options => machines.create(options),
                });
                // JupyterLite's own interrupt never reaches a kernel.
                const interrupt = client.interrupt.bind(client);
                client.interrupt = async id => {
                    machines.kernels.get(id)?.interrupt();
                    await interrupt(id);
                };
            },
        };
        return { __esModule: true, default: [kernel] };
    }

    window._JUPYTERLAB = window._JUPYTERLAB ?? {};
    window._JUPYTERLAB["linux-in-this-page"] = {
        init: async scope => { shares = scope; },
        get: async () => {
            const made = await extension();
            return () => made;
        },
    };
})();
