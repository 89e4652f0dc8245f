#!/bin/sh
# Last touch to the virtual machine's root, run by mmdebstrap with the root's path as $1.
# What the machine is there for: a kernel, a login, and labctl.
set -eu
root=$1

systemctl --root="$root" --quiet mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer man-db.timer systemd-tmpfiles-clean.timer getty.target serial-getty@ttyS0.service \
    systemd-networkd.service systemd-timesyncd.service systemd-resolved.service systemd-logind.service \
    nftables.service systemd-pstore.service systemd-update-utmp.service systemd-rfkill.service \
    ipsec.service unbound-anchor.service

echo lab-vm > "$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 lab-vm\n' > "$root/etc/hosts"
echo 'uninitialized' > "$root/etc/machine-id"
: > "$root/etc/fstab"

# QEMU's user-mode network, which knows this one address and the way in.
cat > "$root/etc/systemd/system/vm-network.service" <<'UNIT'
[Unit]
Description=The way in
DefaultDependencies=no
BindsTo=sys-subsystem-net-devices-eth0.device
After=sys-subsystem-net-devices-eth0.device
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip address add 10.0.2.15/24 dev eth0
ExecStart=ip link set eth0 up

[Install]
WantedBy=multi-user.target
UNIT
systemctl --root="$root" --quiet enable vm-network.service ssh.service

# Loaded at boot: what machines in namespaces cannot load themselves.
printf '%s\n' virtio_net overlay tun bridge veth nf_tables esp4 esp6 xfrm_interface xfrm_user dummy sch_netem \
    > "$root/etc/modules-load.d/lab.conf"

rm -f "$root"/etc/ssh/ssh_host_*
cat > "$root/etc/ssh/sshd_config" <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
# Everything comes through one connection.
MaxSessions 200
MaxStartups 100:30:200
Subsystem sftp /usr/lib/openssh/sftp-server
CONF
ssh-keygen -q -t ed25519 -N '' -C lab-vm -f "$root/etc/ssh/ssh_host_ed25519_key"

rm -f "$root"/boot/initrd.img-* "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/apt/sources.list
rm -rf "$root"/etc/apt/auth.conf.d "$root"/var/lib/apt/lists "$root"/var/cache/apt/*.bin
