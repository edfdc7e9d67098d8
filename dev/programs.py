"""Which programs the platform builds from Go modules: the folder that pins each, its package, its version."""

from __future__ import annotations

from dev.gobuild import GoProgram

KUBERNETES, ETCD, HELM, COREDNS = "1.34.4", "3.6.4", "4.3.1", "1.14.7"
ACT, VERSITYGW, PROMTOOL, KUBECONFORM = "0.2.89", "1.8.0", "3.16.0", "0.8.0"
GITOPS_HEALTH = "1"


def kubernetes(name: str) -> GoProgram:
    """Return how a program of Kubernetes is built."""
    major, minor, _ = KUBERNETES.split(".")
    base = "k8s.io/component-base/version"
    variables = (f"{base}.gitVersion=v{KUBERNETES}", f"{base}.gitMajor={major}", f"{base}.gitMinor={minor}")
    return GoProgram(name, "kubernetes", f"k8s.io/kubernetes/cmd/{name}", KUBERNETES, variables)


def etcd() -> GoProgram:
    """Return how etcd is built."""
    return GoProgram("etcd", "kubernetes", "go.etcd.io/etcd/server/v3", ETCD)


def coredns() -> GoProgram:
    """Return how CoreDNS is built, with the few plugins that a node of this platform needs."""
    return GoProgram("coredns", "coredns", ".", COREDNS)


def helm() -> GoProgram:
    """Return how helm is built, which installs the chart."""
    variables = (f"helm.sh/helm/v4/internal/version.version=v{HELM}",)
    return GoProgram("helm", "helm", "helm.sh/helm/v4/cmd/helm", HELM, variables)


def for_tests() -> tuple[GoProgram, ...]:
    """Return what tests call: a runner of GitHub's workflows, a server that speaks S3, and what checks alert
    rules and manifests.
    """
    s3 = "github.com/versity/versitygw/cmd/versitygw"
    return (
        GoProgram("act", "act", "github.com/nektos/act", ACT),
        GoProgram("versitygw", "versitygw", s3, VERSITYGW, (f"main.Version={VERSITYGW}",)),
        GoProgram("promtool", "promtool", "github.com/prometheus/prometheus/cmd/promtool", PROMTOOL),
        GoProgram("kubeconform", "kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", KUBECONFORM),
        GoProgram("gitops-health", "gitops-health", ".", GITOPS_HEALTH),
    )
