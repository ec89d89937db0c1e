//! What companies run.

/// An application: prefix of host names, name, owner, cost centre.
pub(super) type Application = (&'static str, &'static str, &'static str, &'static str);

pub(super) const APPLICATIONS: [Application; 14] = [
    ("erp", "SAP ERP", "team-finance-platform", "CC-4100"),
    ("crm", "Customer Care", "team-sales-systems", "CC-4210"),
    ("pay", "Payments", "team-payments", "CC-4300"),
    ("shop", "Web Shop", "team-commerce", "CC-4310"),
    ("hr", "Workday Bridge", "team-people-tech", "CC-4120"),
    ("wms", "Warehouse", "team-logistics", "CC-5200"),
    ("mes", "Plant Control", "team-manufacturing", "CC-5310"),
    ("bi", "Reporting", "team-data", "CC-4900"),
    ("dwh", "Data Warehouse", "team-data", "CC-4910"),
    ("ad", "Directory", "team-identity", "CC-6010"),
    ("mail", "Mail Gateway", "team-workplace", "CC-6020"),
    ("fra", "Branch Portal Frankfurt", "team-retail", "CC-5010"),
    ("lon", "Branch Portal London", "team-retail", "CC-5020"),
    ("mon", "Monitoring", "team-sre", "CC-6100"),
];

/// A role in an application: part of the host name, cores, memory in GiB, data disk in GiB, instance type.
pub(super) type Role = (&'static str, u32, u64, u64, &'static str);

pub(super) const ROLES: [Role; 8] = [
    ("web", 2, 8, 0, "m6i.large"),
    ("web", 2, 4, 0, "t3.medium"),
    ("app", 4, 16, 100, "m6i.xlarge"),
    ("app", 8, 32, 200, "m6i.2xlarge"),
    ("db", 8, 64, 1_000, "r6i.2xlarge"),
    ("db", 16, 128, 2_000, "r6i.4xlarge"),
    ("batch", 4, 8, 200, "c6i.xlarge"),
    ("file", 4, 16, 4_000, "m6i.xlarge"),
];

/// What an agent reports, and the name of the root device.
pub(super) const SYSTEMS: [(&str, &str); 5] = [
    ("Linux version 5.14.0-427.13.1.el9_4.x86_64 (Red Hat Enterprise Linux 9.4)", "/dev/nvme0n1"),
    ("Linux version 4.18.0-553.el8_10.x86_64 (Red Hat Enterprise Linux 8.10)", "/dev/xvda"),
    ("Linux version 5.15.0-1068-aws (Ubuntu 22.04.5 LTS)", "/dev/nvme0n1"),
    ("Microsoft Windows Server 2019 Datacenter 10.0.17763", "c:0"),
    ("Microsoft Windows Server 2022 Datacenter 10.0.20348", "c:0"),
];

pub(super) const ENVIRONMENTS: [(&str, &str); 4] =
    [("prod", "p"), ("prod", "p"), ("integration", "i"), ("test", "t")];
