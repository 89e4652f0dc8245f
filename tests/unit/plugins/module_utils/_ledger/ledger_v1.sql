BEGIN TRANSACTION;
CREATE TABLE documents (
	organization VARCHAR(255) NOT NULL, 
	node VARCHAR(255) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	generation INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY (organization, node), 
	FOREIGN KEY(organization, generation) REFERENCES generations (organization, number)
);
INSERT INTO "documents" VALUES('acme','edge-west','org_edge',1,'6146ac1acd05965986a25be0ef129e92b3cd3b61bc6edada4fea7486d20a4b6f','{"addresses":[{"address":"100.64.0.65/32","device":"lo"}],"cloud":"west","format":1,"generation":1,"node":"edge-west","organization":"acme","role":"org_edge","routes":[{"metric":9999,"prefix":"100.64.0.0/24","type":"blackhole"},{"prefix":"100.64.0.0/26","source":"100.64.0.65","tunnel":"payroll"},{"prefix":"100.64.0.66/32","via":"10.10.0.13"},{"prefix":"100.64.0.80/28","via":"10.10.0.11"}],"sysctls":{"net.ipv4.ip_forward":"1"},"tunnels":[{"ike":{"auth":"pubkey","dpd_delay":5,"proposals":["aes256gcm16-prfsha384-ecp384"],"rekey_time":15120},"initiator":false,"links":[{"esp":{"proposals":["aes256gcm16-ecp384"],"rekey_time":3780,"replay_window":1024},"local_ts":["100.64.0.64/26"],"mss":1398,"mtu":1438,"number":1,"remote_ts":["100.64.0.0/26"],"vpn":"payroll"}],"local_address":"203.0.113.18","local_id":"edge-west.acme","name":"edge-east--edge-west","peer":"edge-east","remote_address":"203.0.113.2","remote_id":"edge-east.acme"}],"vpns":[{"blocks":["100.64.0.0/24"],"edge_address":"100.64.0.65","family":4,"local":["100.64.0.66","100.64.0.81"],"mss":1398,"mtu":1438,"name":"payroll","nat":[],"number":1,"remote":["100.64.0.0/26"]}]}');
INSERT INTO "documents" VALUES('acme','node-west','vcc_node',1,'0c0a188554e9c430e5326022c384ac9d200c4de15606cbd08fdf88a6462d510c','{"addresses":[],"cloud":"west","format":1,"generation":1,"node":"node-west","organization":"acme","role":"vcc_node","routes":[],"slice":{"edge-west":{"addresses":["100.64.0.65/32"],"role":"org_edge","tunnels":["edge-east--edge-west"],"vpns":["payroll"]},"vapp1-west":{"addresses":[],"role":"vapp_edge","tunnels":[],"vpns":["payroll"]},"vm1-west":{"addresses":["100.64.0.81/32"],"role":"member","tunnels":[],"vpns":[]},"vm3-west":{"addresses":["100.64.0.66/32"],"role":"member","tunnels":[],"vpns":[]}},"sysctls":{},"tunnels":[],"vpns":[]}');
INSERT INTO "documents" VALUES('acme','vapp1-west','vapp_edge',1,'a822ec5d6ce23882fe3a545accaa3f9a2a26806e74391961c3eb622cc4b83e48','{"addresses":[],"cloud":"west","format":1,"generation":1,"node":"vapp1-west","organization":"acme","role":"vapp_edge","routes":[{"prefix":"100.64.0.0/24","via":"10.10.0.1"},{"metric":9999,"prefix":"100.64.0.0/24","type":"blackhole"},{"metric":9999,"prefix":"100.64.0.80/28","type":"blackhole"},{"prefix":"100.64.0.81/32","via":"192.168.1.11"}],"sysctls":{"net.ipv4.ip_forward":"1"},"tunnels":[],"vpns":[{"blocks":["100.64.0.0/24"],"family":4,"local":["100.64.0.81"],"name":"payroll","nat":[],"number":1,"remote":["100.64.0.0/24"]}]}');
INSERT INTO "documents" VALUES('acme','vm1-east','member',1,'3a4d94fc9255d805f819e1106e6459c47c97df51b7d1b9ff6779b1b07a12f6f6','{"addresses":[{"address":"100.64.0.17/32","beside":"192.168.1.11"}],"cloud":"east","format":1,"generation":1,"node":"vm1-east","organization":"acme","role":"member","routes":[{"prefix":"100.64.0.0/24","source":"100.64.0.17","via":"192.168.1.1"}],"sysctls":{},"tunnels":[],"vpns":[]}');
INSERT INTO "documents" VALUES('acme','vm1-west','member',1,'2861573e9756ea24f242a12ce170a7eabf7fb8481cb62b8e156b9df3d84d3b55','{"addresses":[{"address":"100.64.0.81/32","beside":"192.168.1.11"}],"cloud":"west","format":1,"generation":1,"node":"vm1-west","organization":"acme","role":"member","routes":[{"prefix":"100.64.0.0/24","source":"100.64.0.81","via":"192.168.1.1"}],"sysctls":{},"tunnels":[],"vpns":[]}');
INSERT INTO "documents" VALUES('acme','vm3-west','member',1,'8e4e4dc0071cee730403c2e2f531a61d0cc3fa29c4d937756512eaf6c005694f','{"addresses":[{"address":"100.64.0.66/32","beside":"10.10.0.13"}],"cloud":"west","format":1,"generation":1,"node":"vm3-west","organization":"acme","role":"member","routes":[{"prefix":"100.64.0.0/24","source":"100.64.0.66","via":"10.10.0.1"}],"sysctls":{},"tunnels":[],"vpns":[]}');
INSERT INTO "documents" VALUES('acme','edge-east','org_edge',2,'dac042ab4e55e8ee48b44c1a248d81a62ee6243d81b6f76243d9f61da52fdc3b','{"addresses":[{"address":"100.64.0.1/32","device":"lo"}],"cloud":"east","format":1,"generation":2,"node":"edge-east","organization":"acme","role":"org_edge","routes":[{"metric":9999,"prefix":"100.64.0.0/24","type":"blackhole"},{"prefix":"100.64.0.16/28","via":"10.10.0.11"},{"prefix":"100.64.0.64/26","source":"100.64.0.1","tunnel":"payroll"}],"sysctls":{"net.ipv4.ip_forward":"1"},"tunnels":[{"ike":{"auth":"pubkey","dpd_delay":5,"proposals":["aes256gcm16-prfsha384-ecp384"],"rekey_time":14400},"initiator":true,"links":[{"esp":{"proposals":["aes256gcm16-ecp384"],"rekey_time":3600,"replay_window":1024},"local_ts":["100.64.0.0/26"],"mss":1398,"mtu":1438,"number":1,"remote_ts":["100.64.0.64/26"],"vpn":"payroll"}],"local_address":"203.0.113.2","local_id":"edge-east.acme","name":"edge-east--edge-west","peer":"edge-west","remote_address":"203.0.113.18","remote_id":"edge-west.acme"}],"vpns":[{"blocks":["100.64.0.0/24"],"edge_address":"100.64.0.1","family":4,"local":["100.64.0.17","100.64.0.18"],"mss":1398,"mtu":1438,"name":"payroll","nat":[],"number":1,"remote":["100.64.0.64/26"]}]}');
INSERT INTO "documents" VALUES('acme','node-east','vcc_node',2,'faa0370ca1781f6e9f07fe617d9f9dabf0b0fa937c7a3e2ede9e64fa895719ec','{"addresses":[],"cloud":"east","format":1,"generation":2,"node":"node-east","organization":"acme","role":"vcc_node","routes":[],"slice":{"edge-east":{"addresses":["100.64.0.1/32"],"role":"org_edge","tunnels":["edge-east--edge-west"],"vpns":["payroll"]},"vapp1-east":{"addresses":[],"role":"vapp_edge","tunnels":[],"vpns":["payroll"]},"vm1-east":{"addresses":["100.64.0.17/32"],"role":"member","tunnels":[],"vpns":[]},"vm2-east":{"addresses":["100.64.0.18/32"],"role":"member","tunnels":[],"vpns":[]}},"sysctls":{},"tunnels":[],"vpns":[]}');
INSERT INTO "documents" VALUES('acme','vapp1-east','vapp_edge',2,'514939567012acca7db9a96ecabc021f03d3b387768bc1c99c0a52dfe65e50ac','{"addresses":[],"cloud":"east","format":1,"generation":2,"node":"vapp1-east","organization":"acme","role":"vapp_edge","routes":[{"prefix":"100.64.0.0/24","via":"10.10.0.1"},{"metric":9999,"prefix":"100.64.0.0/24","type":"blackhole"},{"metric":9999,"prefix":"100.64.0.16/28","type":"blackhole"},{"prefix":"100.64.0.17/32","via":"192.168.1.11"},{"prefix":"100.64.0.18/32","via":"192.168.1.12"}],"sysctls":{"net.ipv4.ip_forward":"1"},"tunnels":[],"vpns":[{"blocks":["100.64.0.0/24"],"family":4,"local":["100.64.0.17","100.64.0.18"],"name":"payroll","nat":[],"number":1,"remote":["100.64.0.0/24"]}]}');
INSERT INTO "documents" VALUES('acme','vm2-east','member',2,'06cd235540a7df540868e8dafadc7c73dc7b0644f5b8077fd8adbd968afe10d9','{"addresses":[{"address":"100.64.0.18/32","beside":"192.168.1.12"}],"cloud":"east","format":1,"generation":2,"node":"vm2-east","organization":"acme","role":"member","routes":[{"prefix":"100.64.0.0/24","source":"100.64.0.18","via":"192.168.1.1"}],"sysctls":{},"tunnels":[],"vpns":[]}');
CREATE TABLE events (
	id INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	organization VARCHAR(255) NOT NULL, 
	who VARCHAR(255) NOT NULL, 
	what VARCHAR(64) NOT NULL, 
	subject VARCHAR(1024) NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll','{"pool":"internal","prefix":"100.64.0.0/24"}');
INSERT INTO "events" VALUES(2,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-east','{"pool":"internal","prefix":"100.64.0.0/26"}');
INSERT INTO "events" VALUES(3,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-east/edge','{"pool":"internal","prefix":"100.64.0.1/32"}');
INSERT INTO "events" VALUES(4,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-east/vapp/vapp1-east','{"pool":"internal","prefix":"100.64.0.16/28"}');
INSERT INTO "events" VALUES(5,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-east/vapp/vapp1-east/vm/vm1-east','{"pool":"internal","prefix":"100.64.0.17/32"}');
INSERT INTO "events" VALUES(6,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-west','{"pool":"internal","prefix":"100.64.0.64/26"}');
INSERT INTO "events" VALUES(7,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-west/edge','{"pool":"internal","prefix":"100.64.0.65/32"}');
INSERT INTO "events" VALUES(8,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-west/vapp/vapp1-west','{"pool":"internal","prefix":"100.64.0.80/28"}');
INSERT INTO "events" VALUES(9,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-west/vapp/vapp1-west/vm/vm1-west','{"pool":"internal","prefix":"100.64.0.81/32"}');
INSERT INTO "events" VALUES(10,'2026-11-27T23:33:45.693414Z','acme','test','lease taken','vpn/payroll/site/edge-west/vm/vm3-west','{"pool":"internal","prefix":"100.64.0.66/32"}');
INSERT INTO "events" VALUES(11,'2026-11-27T23:33:45.694491Z','acme','test','vpn created','payroll','{"number":1,"state":"active"}');
INSERT INTO "events" VALUES(12,'2026-11-27T23:33:45.695708Z','acme','test','tunnel added','edge-east--edge-west','{}');
INSERT INTO "events" VALUES(13,'2026-11-27T23:33:45.696131Z','acme','test','host added','edge-east','{}');
INSERT INTO "events" VALUES(14,'2026-11-27T23:33:45.696131Z','acme','test','host added','edge-west','{}');
INSERT INTO "events" VALUES(15,'2026-11-27T23:33:45.696131Z','acme','test','host added','node-east','{}');
INSERT INTO "events" VALUES(16,'2026-11-27T23:33:45.696131Z','acme','test','host added','node-west','{}');
INSERT INTO "events" VALUES(17,'2026-11-27T23:33:45.696131Z','acme','test','host added','vapp1-east','{}');
INSERT INTO "events" VALUES(18,'2026-11-27T23:33:45.696131Z','acme','test','host added','vapp1-west','{}');
INSERT INTO "events" VALUES(19,'2026-11-27T23:33:45.696131Z','acme','test','host added','vm1-east','{}');
INSERT INTO "events" VALUES(20,'2026-11-27T23:33:45.696131Z','acme','test','host added','vm1-west','{}');
INSERT INTO "events" VALUES(21,'2026-11-27T23:33:45.696131Z','acme','test','host added','vm3-west','{}');
INSERT INTO "events" VALUES(22,'2026-11-27T23:33:45.697286Z','acme','test','generation opened','1','{"nodes":["edge-east","edge-west","node-east","node-west","vapp1-east","vapp1-west","vm1-east","vm1-west","vm3-west"]}');
INSERT INTO "events" VALUES(23,'2026-11-27T23:33:45.702078Z','acme','test','lease taken','vpn/payroll/site/edge-east/vapp/vapp1-east/vm/vm2-east','{"pool":"internal","prefix":"100.64.0.18/32"}');
INSERT INTO "events" VALUES(24,'2026-11-27T23:33:45.702728Z','acme','test','vpn changed','payroll','{"changed":["members"],"state":"active"}');
INSERT INTO "events" VALUES(25,'2026-11-27T23:33:45.703557Z','acme','test','host added','vm2-east','{}');
INSERT INTO "events" VALUES(26,'2026-11-27T23:33:45.704415Z','acme','test','generation opened','2','{"nodes":["edge-east","node-east","vapp1-east","vm2-east"]}');
CREATE TABLE generations (
	organization VARCHAR(255) NOT NULL, 
	number INTEGER NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	created_by VARCHAR(255) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	PRIMARY KEY (organization, number)
);
INSERT INTO "generations" VALUES('acme',1,'2026-11-27T23:33:45.696855Z','test','ceb19fcd4f7e13b2d5805c4c68db05b92f6654a3629476df926acf0e4ee61532');
INSERT INTO "generations" VALUES('acme',2,'2026-11-27T23:33:45.703925Z','test','dd132064bd75c0b4d1bfa3daef22399cfb8eb918f8a3b9fdc000bf72af595e7f');
CREATE TABLE landscape (
	organization VARCHAR(255) NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	facts TEXT NOT NULL, 
	PRIMARY KEY (organization, host)
);
INSERT INTO "landscape" VALUES('acme','edge-east','{"clouds":["east"],"kinds":["org_edges"],"vars":{"vcc_org":"acme","vcc_org_address":["10.10.0.1","fd10:10::1"],"vcc_org_network":["10.10.0.0/24","fd10:10::/64"],"vcc_public_address":["203.0.113.2","2001:db8:0::2"]}}');
INSERT INTO "landscape" VALUES('acme','edge-west','{"clouds":["west"],"kinds":["org_edges"],"vars":{"vcc_org":"acme","vcc_org_address":["10.10.0.1","fd10:10::1"],"vcc_org_network":["10.10.0.0/24","fd10:10::/64"],"vcc_public_address":["203.0.113.18","2001:db8:1::2"]}}');
INSERT INTO "landscape" VALUES('acme','node-east','{"clouds":["east"],"kinds":["vcc_nodes"],"vars":{"vcc_org":"acme"}}');
INSERT INTO "landscape" VALUES('acme','node-west','{"clouds":["west"],"kinds":["vcc_nodes"],"vars":{"vcc_org":"acme"}}');
INSERT INTO "landscape" VALUES('acme','vapp1-east','{"clouds":["east"],"kinds":["vapp_edges"],"vars":{"vcc_org":"acme","vcc_org_address":["10.10.0.11","fd10:10::11"],"vcc_vapp_address":["192.168.1.1","fd10:1::1"],"vcc_vapp_network":["192.168.1.0/24","fd10:1::/64"]}}');
INSERT INTO "landscape" VALUES('acme','vapp1-west','{"clouds":["west"],"kinds":["vapp_edges"],"vars":{"vcc_org":"acme","vcc_org_address":["10.10.0.11","fd10:10::11"],"vcc_vapp_address":["192.168.1.1","fd10:1::1"],"vcc_vapp_network":["192.168.1.0/24","fd10:1::/64"]}}');
INSERT INTO "landscape" VALUES('acme','vm1-east','{"clouds":["east"],"kinds":["members"],"vars":{"vcc_address":["192.168.1.11","fd10:1::11"],"vcc_edge":"edge-east","vcc_org":"acme","vcc_vapp":"vapp1-east"}}');
INSERT INTO "landscape" VALUES('acme','vm1-west','{"clouds":["west"],"kinds":["members"],"vars":{"vcc_address":["192.168.1.11","fd10:1::11"],"vcc_edge":"edge-west","vcc_org":"acme","vcc_vapp":"vapp1-west"}}');
INSERT INTO "landscape" VALUES('acme','vm3-west','{"clouds":["west"],"kinds":["members"],"vars":{"vcc_address":["10.10.0.13","fd10:10::13"],"vcc_edge":"edge-west","vcc_org":"acme"}}');
INSERT INTO "landscape" VALUES('acme','vm2-east','{"clouds":["east"],"kinds":["members"],"vars":{"vcc_address":["192.168.1.12","fd10:1::12"],"vcc_edge":"edge-east","vcc_org":"acme","vcc_vapp":"vapp1-east"}}');
CREATE TABLE leases (
	organization VARCHAR(255) NOT NULL, 
	"key" VARCHAR(1024) NOT NULL, 
	pool VARCHAR(255) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	family SMALLINT NOT NULL, 
	first VARCHAR(32) NOT NULL, 
	last VARCHAR(32) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (organization, "key"), 
	CONSTRAINT leases_kind CHECK (kind IN ('block', 'address')), 
	CONSTRAINT leases_family CHECK (family IN (4, 6)), 
	CONSTRAINT leases_order CHECK (first <= last), 
	CONSTRAINT leases_address_is_one CHECK (kind = 'block' OR first = last)
);
INSERT INTO "leases" VALUES('acme','vpn/payroll','internal','block',4,'00000000000000000000000064400000','000000000000000000000000644000ff','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-east','internal','block',4,'00000000000000000000000064400000','0000000000000000000000006440003f','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-east/edge','internal','address',4,'00000000000000000000000064400001','00000000000000000000000064400001','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-east/vapp/vapp1-east','internal','block',4,'00000000000000000000000064400010','0000000000000000000000006440001f','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-east/vapp/vapp1-east/vm/vm1-east','internal','address',4,'00000000000000000000000064400011','00000000000000000000000064400011','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-west','internal','block',4,'00000000000000000000000064400040','0000000000000000000000006440007f','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-west/edge','internal','address',4,'00000000000000000000000064400041','00000000000000000000000064400041','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-west/vapp/vapp1-west','internal','block',4,'00000000000000000000000064400050','0000000000000000000000006440005f','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-west/vapp/vapp1-west/vm/vm1-west','internal','address',4,'00000000000000000000000064400051','00000000000000000000000064400051','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-west/vm/vm3-west','internal','address',4,'00000000000000000000000064400042','00000000000000000000000064400042','2026-11-27T23:33:45.692992Z');
INSERT INTO "leases" VALUES('acme','vpn/payroll/site/edge-east/vapp/vapp1-east/vm/vm2-east','internal','address',4,'00000000000000000000000064400012','00000000000000000000000064400012','2026-11-27T23:33:45.701871Z');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE tunnels (
	organization VARCHAR(255) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (organization, name)
);
INSERT INTO "tunnels" VALUES('acme','edge-east--edge-west','{"edges":["edge-east","edge-west"],"kind":"ipsec"}');
CREATE TABLE vpns (
	organization VARCHAR(255) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	number INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	intent TEXT NOT NULL, 
	PRIMARY KEY (organization, name), 
	CONSTRAINT vpns_number CHECK (number BETWEEN 1 AND 65535), 
	CONSTRAINT vpns_state CHECK (state IN ('active', 'deleting')), 
	UNIQUE (number)
);
INSERT INTO "vpns" VALUES('acme','payroll',1,'active','{"members":{"vm1-east":"address","vm1-west":"address","vm2-east":"address","vm3-west":"address"},"policy":{"encryption":{"esp":["aes256gcm16-ecp384"],"esp_rekey":3600,"ike":["aes256gcm16-prfsha384-ecp384"],"ike_rekey":14400,"ppk":"none","replay_window":1024},"logging":{"group":null,"refused":"none"},"quota":{"member":null,"vpn":null,"when_used_up":"drop"},"rate":{"member":null,"vpn":null},"retries":{"dpd_delay":5,"keyingtries":0,"retransmit_base":1.4,"retransmit_timeout":1.0,"retransmit_tries":4,"setup_delay":20},"rules":{"org_edges":[],"vapp_edges":[]}},"pool":"internal","pool_prefix":"100.64.0.0/10","topology":{"kind":"mesh"},"tunnel":"ipsec"}');
CREATE UNIQUE INDEX leases_no_address_twice ON leases (organization, family, first) WHERE kind = 'address';
CREATE INDEX ix_events_organization ON events (organization);
COMMIT;