"""The object types a new workspace begins with: company, person, opportunity, task, note."""

from metier.records import Field, FieldType, ObjectType, Option
from metier.records.shape import SYSTEM_FIELDS

INDUSTRIES = (
    Option("software", "Software", "grey", ("it", "tech", "technology", "saas")),
    Option("manufacturing", "Manufacturing", "grey", ("industry", "machinery", "engineering")),
    Option("retail", "Retail", "grey", ("commerce", "shops")),
    Option("healthcare", "Healthcare", "grey", ("health", "medical", "medicine")),
    Option("finance", "Finance", "grey", ("banking", "insurance", "financial services")),
    Option("energy", "Energy", "grey", ("power", "utilities", "renewables")),
    Option("logistics", "Logistics", "grey", ("transport", "shipping", "freight")),
    Option("food", "Food", "grey", ("food and drink", "beverages", "restaurants")),
    Option("construction", "Construction", "grey", ("building", "architecture")),
    Option("education", "Education", "grey", ("schools", "training", "learning")),
    Option("media", "Media", "grey", ("publishing", "press", "film")),
)

STAGES = (
    Option("new", "New", "grey", ("lead",)),
    Option("screening", "Screening", "info", ("qualification", "qualifying")),
    Option("meeting", "Meeting", "info", ("demo",)),
    Option("proposal", "Proposal", "warn", ("offer", "quote", "negotiation")),
    Option("won", "Won", "ok", ("customer", "closed won", "signed")),
    Option("lost", "Lost", "bad", ("closed lost",)),
)

STATUSES = (
    Option("todo", "To do", "grey", ("not started",)),
    Option("in_progress", "In progress", "info", ("started", "doing", "ongoing")),
    Option("done", "Done", "ok", ("finished", "completed", "closed")),
)

PRIORITIES = (
    Option("low", "Low", "grey"),
    Option("medium", "Medium", "info", ("normal",)),
    Option("high", "High", "warn", ("important",)),
    Option("urgent", "Urgent", "bad", ("critical",)),
)

COMPANY = ObjectType(
    name="company",
    plural="companies",
    label="Company",
    label_plural="Companies",
    title="name",
    icon="building",
    description="An organisation we sell to or work with.",
    aliases=("account", "organisation", "organization", "firm", "business", "client"),
    fields=(
        Field("name", "Name", FieldType.TEXT),
        Field(
            "domain_name",
            "Website",
            FieldType.LINKS,
            aliases=("domain", "domain name", "site", "url", "homepage"),
            unique=True,
        ),
        Field("industry", "Industry", FieldType.SELECT, options=INDUSTRIES, aliases=("sector", "branch")),
        Field("employees", "Employees", FieldType.NUMBER, unit="people", aliases=("staff", "headcount", "size")),
        Field("annual_revenue", "Annual revenue", FieldType.CURRENCY, aliases=("revenue", "turnover", "sales", "arr")),
        Field("city", "City", FieldType.TEXT, aliases=("town", "location")),
        Field("country", "Country", FieldType.TEXT, aliases=("nation",)),
        Field(
            "ideal_customer", "Ideal customer", FieldType.BOOLEAN, aliases=("icp", "ideal customer profile", "ideal")
        ),
        Field("linkedin", "LinkedIn", FieldType.LINKS),
        Field(
            "account_owner",
            "Account owner",
            FieldType.RELATION,
            target="member",
            aliases=("owner", "account manager", "responsible"),
        ),
        *SYSTEM_FIELDS,
    ),
)

PERSON = ObjectType(
    name="person",
    plural="people",
    label="Person",
    label_plural="People",
    title="name",
    icon="user",
    description="Somebody who works at a company.",
    aliases=("contact", "human", "individual"),
    fields=(
        Field("name", "Name", FieldType.FULL_NAME, aliases=("full name",)),
        Field("emails", "E-mails", FieldType.EMAILS, aliases=("email", "mail", "e-mail address"), unique=True),
        Field("job_title", "Job title", FieldType.TEXT, aliases=("title", "role", "position", "job")),
        Field("phone", "Phone", FieldType.TEXT, aliases=("telephone", "phone number", "mobile")),
        Field("city", "City", FieldType.TEXT, aliases=("town", "location")),
        Field("company", "Company", FieldType.RELATION, target="company", aliases=("employer", "works at", "account")),
        Field("linkedin", "LinkedIn", FieldType.LINKS),
        *SYSTEM_FIELDS,
    ),
)

OPPORTUNITY = ObjectType(
    name="opportunity",
    plural="opportunities",
    label="Opportunity",
    label_plural="Opportunities",
    title="name",
    icon="target",
    description="A possible sale, from the first contact to won or lost.",
    aliases=("deal", "sale", "prospect"),
    fields=(
        Field("name", "Name", FieldType.TEXT),
        Field("amount", "Amount", FieldType.CURRENCY, aliases=("value", "size", "worth", "price")),
        Field(
            "stage",
            "Stage",
            FieldType.SELECT,
            options=STAGES,
            terminal=("won", "lost"),
            aliases=("status", "phase", "pipeline stage"),
        ),
        Field("probability", "Probability", FieldType.NUMBER, unit="%", aliases=("chance", "likelihood", "confidence")),
        Field(
            "close_date", "Close date", FieldType.DATE, aliases=("closing", "closes", "closed", "expected close", "due")
        ),
        Field("company", "Company", FieldType.RELATION, target="company", aliases=("account", "customer", "client")),
        Field(
            "point_of_contact", "Point of contact", FieldType.RELATION, target="person", aliases=("contact", "buyer")
        ),
        Field("owner", "Owner", FieldType.RELATION, target="member", aliases=("sales rep", "seller", "responsible")),
        *SYSTEM_FIELDS,
    ),
)

TASK = ObjectType(
    name="task",
    plural="tasks",
    label="Task",
    label_plural="Tasks",
    title="title",
    icon="tasks",
    description="Something to be done by a member.",
    aliases=("to-do", "todo", "action item", "reminder"),
    fields=(
        Field("title", "Title", FieldType.TEXT, aliases=("name", "subject")),
        Field("status", "Status", FieldType.SELECT, options=STATUSES, terminal=("done",), aliases=("state",)),
        Field("priority", "Priority", FieldType.SELECT, options=PRIORITIES, aliases=("urgency", "importance")),
        Field("due_at", "Due", FieldType.DATE_TIME, aliases=("due date", "deadline")),
        Field(
            "assignee",
            "Assignee",
            FieldType.RELATION,
            target="member",
            aliases=("assigned to", "owner", "responsible"),
        ),
        Field("company", "Company", FieldType.RELATION, target="company", aliases=("account",)),
        Field("person", "Person", FieldType.RELATION, target="person", aliases=("contact",)),
        Field("opportunity", "Opportunity", FieldType.RELATION, target="opportunity", aliases=("deal",)),
        Field("body", "Description", FieldType.TEXT, aliases=("body", "text", "details")),
        *SYSTEM_FIELDS,
    ),
)

NOTE = ObjectType(
    name="note",
    plural="notes",
    label="Note",
    label_plural="Notes",
    title="title",
    icon="note",
    description="What somebody wrote down about a company, a person or an opportunity.",
    aliases=("memo", "comment", "minutes"),
    fields=(
        Field("title", "Title", FieldType.TEXT, aliases=("name", "subject")),
        Field("company", "Company", FieldType.RELATION, target="company", aliases=("account",)),
        Field("person", "Person", FieldType.RELATION, target="person", aliases=("contact",)),
        Field("opportunity", "Opportunity", FieldType.RELATION, target="opportunity", aliases=("deal",)),
        Field("body", "Text", FieldType.TEXT, aliases=("body", "content", "details")),
        *SYSTEM_FIELDS,
    ),
)

#: In the order in which they are published and shown: what others point to comes first.
OBJECTS: tuple[ObjectType, ...] = (COMPANY, PERSON, OPPORTUNITY, TASK, NOTE)
