#!/bin/sh
# Last touch to the machines' root, run by mmdebstrap with the root's path as $1.
# What differs between machines (name, keys, addresses) does not belong here.
set -eu
root=$1

# A role enables what it sets up; a package must not do so on its own.
for unit in strongswan strongswan-starter ipsec openvpn nftables bird frr; do
    systemctl --root="$root" --quiet disable "$unit.service" 2>/dev/null || true
done

# Nothing that a machine without a console, a clock or a package mirror can do without.
systemctl --root="$root" --quiet mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer man-db.timer systemd-tmpfiles-clean.timer console-getty.service getty.target \
    systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service \
    systemd-timesyncd.service systemd-resolved.service

rm -f "$root"/etc/ssh/ssh_host_*
cat > "$root/etc/ssh/sshd_config" <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
PrintMotd no
AcceptEnv LANG LC_*
# Everything in a cloud is reached through one connection to its node.
MaxSessions 100
MaxStartups 100:30:200
Subsystem sftp /usr/lib/openssh/sftp-server
CONF

install -d -m 0700 "$root/root/.ssh"
rm -f "$root/etc/machine-id" "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/apt/sources.list
rm -rf "$root"/etc/apt/auth.conf.d "$root"/var/lib/apt/lists "$root"/var/cache/apt/*.bin
