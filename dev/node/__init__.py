"""A real node beside the local API server (`make up NODE=1`): containerd, kubelet, scheduler and kube-proxy.

All of it is this installation's own: directories, sockets, ports, bridge, subnets, control groups and
firewall chains. So two platforms with nodes stand side by side, and beside the machine's Docker.
"""
